use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: Vec<u32>,
    changes: Changes,
}

fn main() {}
