use coracle::model::{Changes, Status};

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "RW", check = is_right)]
    position: u8,
    changes: Changes,
}

impl Valve {
    fn is_right(&self, _: &u16) -> Result<(), Status> {
        Ok(())
    }
}

fn main() {}
