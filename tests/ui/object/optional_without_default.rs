use coracle::model::{Changes, Scalar, Sink, Status, Type, Value};

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "RW", optional)]
    mode: Mode,
    changes: Changes,
}

#[derive(PartialEq)]
struct Mode(u8);

impl Scalar for Mode {
    const TYPE: Type = Type::Integer;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Integer(self.0.into()));
    }

    fn from_value(_: Value<'_>) -> Result<Self, Status> {
        Ok(Self(0))
    }
}

fn main() {}
