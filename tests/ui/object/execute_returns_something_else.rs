use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001, execute(2 = open))]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: Changes,
}

impl Valve {
    fn open(&mut self, _: coracle::model::Arguments<'_>) -> bool {
        true
    }
}

fn main() {}
