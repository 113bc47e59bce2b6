//! What each rule answers, number by number.

use super::*;

fn sight(step: u32, value: f64, best: f64, norm: f64, scale: f64) -> Sight<f64> {
    Sight { step, value, best, norm, scale }
}

/// The factors of g that a rule answers with one after the other, 0 for a return; in units of length, norm and scale
/// being 2 and 4, they are half as long.
fn played<const N: usize>(rule: &mut impl StepRule<f64>) -> [f64; N] {
    rule.begin(&sight(0, 1.0, 1.0, 2.0, 4.0)).expect("sound");
    core::array::from_fn(|t| match rule.next(&sight(t as u32, 1.0, 1.0, 2.0, 4.0)) {
        Choice::Move(factor) => factor,
        Choice::Return => 0.0,
    })
}

#[test]
fn lengths_that_follow_from_the_step_alone() {
    assert_eq!(played(&mut Constant(3.0)), [6.0, 6.0, 6.0]);
    let root = |n: f64| 6.0 / n.sqrt() * 4.0 / 2.0;
    assert_eq!(played(&mut Diminishing(6.0)), [12.0, root(2.0), root(3.0), 6.0]);
    assert_eq!(played(&mut StronglyConvex(0.5)), [2.0, 4.0 / 3.0, 1.0, 0.8]);
    // No division by the norm.
    assert_eq!(played(&mut Raw(Constant(3.0))), [12.0, 12.0]);
    let mut rule = Geometric::new(8.0, 0.5);
    assert_eq!(played(&mut rule), [16.0, 8.0, 4.0, 2.0]);
    assert_eq!(played(&mut rule), [16.0, 8.0, 4.0, 2.0], "every run anew");
    assert_eq!(played(&mut &mut rule.held(2)), [16.0, 16.0, 16.0, 8.0, 4.0]);
    assert_eq!(played(&mut Restarted::new(8.0, 0.5, 2)), [16.0, 16.0, 0.0, 8.0, 8.0, 0.0, 4.0]);
    let default = Geometric::<f64>::default();
    assert_eq!((default.length, default.ratio, default.hold, default.restarts), (1.0, 0.97, 0, 0));
}

#[test]
fn a_geometric_rule_starts_anew_when_its_lengths_are_below_the_root_of_the_precision() {
    let small = f64::EPSILON.sqrt();
    let lengths: [f64; 8] = played(&mut Geometric::new(1.0, small).restarted(1));
    let root = small.sqrt();
    // At the root it goes on, below it starts anew, and with the root of the ratio; but once alone.
    assert_eq!(lengths, [1.0, small, 0.0, 1.0, root, small, small * root, small * small].map(|l| 2.0 * l));
    let lengths: [f64; 4] = played(&mut Geometric::new(1.0, small));
    assert_eq!(lengths, [1.0, small, small * small, small * small * small].map(|l| 2.0 * l), "not asked for");
}

#[test]
fn polyaks_step_ends_at_the_target_and_is_no_longer_than_allowed() {
    let mut rule = Polyak::new(1.0);
    rule.begin(&sight(0, 5.0, 5.0, 2.0, 4.0)).expect("sound");
    assert_eq!(rule.next(&sight(0, 5.0, 5.0, 2.0, 4.0)), Choice::Move(1.0));
    assert_eq!(rule.next(&sight(0, 0.5, 0.5, 2.0, 4.0)), Choice::Move(0.0), "beyond the target");
    rule.longest = 0.25;
    assert_eq!(rule.next(&sight(0, 5.0, 5.0, 2.0, 4.0)), Choice::Move(0.5));
}

#[test]
fn a_level_is_halved_when_a_path_grew_too_long() {
    let at = |value: f64, best: f64| sight(0, value, best, 2.0, 2.0);
    let mut rule = PathLevel::new(0.0, 3.0);
    rule.begin(&at(-8.0, -8.0)).expect("sound");
    // δ is half of |f|, so steps have the length 2; six is the longest path.
    for _ in 0..4 {
        assert_eq!(rule.next(&at(-8.0, -8.0)), Choice::Move(1.0));
    }
    assert_eq!(rule.next(&at(-8.0, -8.0)), Choice::Return);
    assert_eq!(rule.next(&at(-8.0, -8.0)), Choice::Move(0.5));
    // A gain of half of δ is a new record, and the path begins anew.
    assert_eq!(rule.next(&at(-9.0, -9.0)), Choice::Move(0.5));
    for _ in 0..6 {
        assert_eq!(rule.next(&at(-9.0, -9.0)), Choice::Move(0.5));
    }
    assert_eq!(rule.next(&at(-9.0, -9.0)), Choice::Return);
    // Less is none, and a value above the record makes the step longer.
    assert_eq!(rule.next(&at(-9.0, -9.4)), Choice::Move(0.25));
    assert_eq!(rule.next(&at(-8.75, -9.4)), Choice::Move(0.3125));
    rule.delta = 6.0;
    rule.begin(&at(-8.0, -8.0)).expect("sound");
    assert_eq!(rule.next(&at(-8.0, -8.0)), Choice::Move(1.5), "δ of the caller's");
}

#[test]
fn parameters_outside_their_ranges_are_refused() {
    fn refused(name: &'static str, mut rule: impl StepRule<f64>) {
        let error = rule.begin(&sight(0, 1.0, 1.0, 1.0, 1.0)).expect_err(name);
        assert!(matches!(error, Error::Option { name: found, .. } if found == name), "{error:?}");
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused("length", Constant(bad));
        refused("length", Raw(Constant(bad)));
        refused("length", &mut Diminishing(bad));
        refused("length", Geometric::new(bad, 0.5));
        refused("length", Restarted::new(bad, 0.5, 1));
        refused("modulus", StronglyConvex(bad));
        refused("bound", PathLevel::new(1.0, bad));
    }
    for bad in [0.0, 1.0, -0.5, 2.0, f64::NAN] {
        refused("ratio", Geometric::new(1.0, bad));
        refused("ratio", Restarted::new(1.0, bad, 1));
    }
    refused("horizon", Restarted::new(1.0, 0.5, 0));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        refused("delta", PathLevel::new(bad, 1.0));
    }
    for bad in [f64::NAN, f64::INFINITY] {
        refused("target", Polyak::new(bad));
    }
    for bad in [0.0, -1.0, f64::NAN] {
        refused("longest", Polyak { target: 0.0, longest: bad });
    }
}
