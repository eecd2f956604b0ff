use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001, computed(1: u32 = level))]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: Changes,
}

impl Valve {
    fn level(&self) -> u8 {
        7
    }
}

fn main() {}
