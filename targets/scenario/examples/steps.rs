//! Prints every step of [`mpc`] in `f32`: the case, the state and the inputs found for it, in bits.

use southwell_scenario::mpc;

fn words(numbers: &[f32]) -> String {
    numbers.iter().map(|x| format!("{:08x} ", x.to_bits())).collect()
}

fn main() {
    let mut memory = [f32::NAN; mpc::REALS];
    mpc::run_shown(
        &mut memory,
        &mut |_, solve| solve(),
        &mut |name, state, inputs| println!("{name} | {}| {}", words(state), words(inputs)),
        &mut |_| (),
    );
}
