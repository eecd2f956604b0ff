use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: Changes,
}

#[derive(coracle::Object)]
#[lwm2m(id = 1)]
struct Server {
    #[lwm2m(id = 0, ops = "R")]
    id: u16,
    changes: Changes,
}

#[derive(coracle::Objects)]
struct Things {
    valve: Valve,
    server: Server,
}

fn main() {}
