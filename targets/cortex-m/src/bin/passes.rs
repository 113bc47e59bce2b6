//! Every pass over memory, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, check};
use southwell_scenario::made;
use southwell_scenario::passes::{INDICES, Made, REALS, run};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("passes", |output| {
        let single = passes::<f32>("f32", made::F32, output);
        let double = passes::<f64>("f64", made::F64, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn passes<T: Real>(precision: &str, expected: &[Made], output: &mut Output) -> bool {
    let mut expected = expected.iter();
    let (mut agreed, mut differed) = (0, 0);
    run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |found| {
        if expected.next() == Some(&found) {
            agreed += 1;
        } else {
            differed += 1;
            output.text(precision).text(" ").text(found.name).text(": ").bits(found.bits);
            output.text(", NOT as on the host").line();
        }
    });
    output.text("passes ").text(precision).text(": ").number(agreed).text(" as on the host").line();
    differed == 0 && expected.next().is_none()
}
