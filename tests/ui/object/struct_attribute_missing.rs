use coracle::model::Changes;

#[derive(coracle::Object)]

struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: Changes,
}

fn main() {}
