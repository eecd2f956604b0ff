use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001, execute(open))]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: Changes,
}

fn main() {}
