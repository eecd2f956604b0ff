#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    position: u8,
    changes: u32,
}

fn main() {}
