use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "RW", on_write = moved)]
    position: u8,
    changes: Changes,
}

fn main() {}
