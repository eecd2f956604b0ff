use coracle::model::{Changes, Text};

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "R", unsigned)]
    label: Text<8>,
    changes: Changes,
}

fn main() {}
