use coracle::model::{Changes, Text};

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "RW", range = 0..=1)]
    label: Text<8>,
    changes: Changes,
}

fn main() {}
