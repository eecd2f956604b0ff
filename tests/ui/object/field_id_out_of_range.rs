use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 70000, ops = "R")]
    position: u8,
    changes: Changes,
}

fn main() {}
