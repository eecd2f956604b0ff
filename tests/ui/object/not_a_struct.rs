#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
enum Valve {
    Open,
}

fn main() {}
