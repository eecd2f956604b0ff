#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve(u8);

fn main() {}
