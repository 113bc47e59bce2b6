//! Outcomes of methods, compared with what the host found.

use southwell_scenario::methods::Outcome;

use crate::Output;

/// Runs methods, which hand over what each found, and prints what differs from what was expected.
pub fn agree(
    what: &str,
    precision: &str,
    expected: &[Outcome],
    output: &mut Output,
    run: impl FnOnce(&mut dyn FnMut(Outcome)),
) -> bool {
    let mut expected = expected.iter();
    let (mut agreed, mut differed) = (0, 0);
    run(&mut |found| {
        if expected.next().is_some_and(|expected| found.agrees(expected)) {
            agreed += 1;
        } else {
            differed += 1;
            output.text(precision).text(" ").text(found.name).text(": steps ").number(found.steps);
            output.text(", answer ").bits(found.answer).text(", NOT as on the host").line();
        }
    });
    output.text(what).text(" ").text(precision).text(": ").number(agreed).text(" as on the host").line();
    differed == 0 && expected.next().is_none()
}
