//! The control loop and the field that share a part find the same bits however the field's solves are cut up.

use southwell_scenario::control::{CART, Cart, FIELD, REALS, TICKS, field};
use southwell_simd::{force_level, levels};

#[test]
fn every_instruction_set_and_every_cut_finds_the_same() {
    let mut memory = [f32::NAN; REALS];
    for level in levels() {
        force_level(Some(level));
        for piece in [10_000, 1, 2, 3, 7] {
            let mut cart = Cart::new().expect("sound");
            let found = field(&mut memory, piece, &mut |solve| {
                cart.tick().expect("sound");
                solve();
            });
            while cart.ticks() < TICKS {
                cart.tick().expect("sound");
            }
            let found = (cart.course(), found.expect("enough memory"));
            assert_eq!(found, (CART, FIELD), "{level:?}, {piece} steps at a time");
        }
    }
    force_level(None);
}
