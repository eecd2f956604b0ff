use coracle::model::Changes;

#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
struct Valve {
    #[lwm2m(id = 0, ops = "R")]
    r0: bool,
    #[lwm2m(id = 1, ops = "R")]
    r1: bool,
    #[lwm2m(id = 2, ops = "R")]
    r2: bool,
    #[lwm2m(id = 3, ops = "R")]
    r3: bool,
    #[lwm2m(id = 4, ops = "R")]
    r4: bool,
    #[lwm2m(id = 5, ops = "R")]
    r5: bool,
    #[lwm2m(id = 6, ops = "R")]
    r6: bool,
    #[lwm2m(id = 7, ops = "R")]
    r7: bool,
    #[lwm2m(id = 8, ops = "R")]
    r8: bool,
    #[lwm2m(id = 9, ops = "R")]
    r9: bool,
    #[lwm2m(id = 10, ops = "R")]
    r10: bool,
    #[lwm2m(id = 11, ops = "R")]
    r11: bool,
    #[lwm2m(id = 12, ops = "R")]
    r12: bool,
    #[lwm2m(id = 13, ops = "R")]
    r13: bool,
    #[lwm2m(id = 14, ops = "R")]
    r14: bool,
    #[lwm2m(id = 15, ops = "R")]
    r15: bool,
    #[lwm2m(id = 16, ops = "R")]
    r16: bool,
    #[lwm2m(id = 17, ops = "R")]
    r17: bool,
    #[lwm2m(id = 18, ops = "R")]
    r18: bool,
    #[lwm2m(id = 19, ops = "R")]
    r19: bool,
    #[lwm2m(id = 20, ops = "R")]
    r20: bool,
    #[lwm2m(id = 21, ops = "R")]
    r21: bool,
    #[lwm2m(id = 22, ops = "R")]
    r22: bool,
    #[lwm2m(id = 23, ops = "R")]
    r23: bool,
    #[lwm2m(id = 24, ops = "R")]
    r24: bool,
    #[lwm2m(id = 25, ops = "R")]
    r25: bool,
    #[lwm2m(id = 26, ops = "R")]
    r26: bool,
    #[lwm2m(id = 27, ops = "R")]
    r27: bool,
    #[lwm2m(id = 28, ops = "R")]
    r28: bool,
    #[lwm2m(id = 29, ops = "R")]
    r29: bool,
    #[lwm2m(id = 30, ops = "R")]
    r30: bool,
    #[lwm2m(id = 31, ops = "R")]
    r31: bool,
    #[lwm2m(id = 32, ops = "R")]
    r32: bool,
    changes: Changes,
}

fn main() {}
