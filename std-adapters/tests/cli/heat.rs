//! The heat experiment: what it prints, as a document and as a table, and draws.

use super::*;

#[test]
fn heat_prints_one_json_document_with_names_as_typed() {
    let names = ["fixed:1.50", "cg", "tsallis-inf", "fixed:1.5", "best-fixed", "auto", "instance-optimal"];
    let mut arguments = vec!["heat", "--grid", "10", "--steps", "100", "--seed", "3", "--json"];
    for name in names {
        arguments.extend(["--policy", name]);
    }
    let document = json(&arguments, 0);
    assert_eq!(
        (&document["grid"], &document["unknowns"], &document["steps"]),
        (&10.into(), &81.into(), &100.into())
    );
    let policies = document["policies"].as_array().expect("an array");
    let told: Vec<&str> = policies.iter().filter_map(|policy| policy["name"].as_str()).collect();
    assert_eq!(told, names);
    let of = |name: &str, key: &str| {
        let policy = policies.iter().find(|policy| policy["name"] == name).expect("a policy");
        policy[key].as_f64().expect("a number")
    };
    let best = of("best-fixed", "iterations");
    for name in names {
        let regret = of(name, "iterations") - best;
        // The best fixed total is known along another trajectory, the same to a step or two.
        assert!((of(name, "regret_to_best_fixed") - regret).abs() <= 2.0, "{name}");
        assert!(of(name, "seconds") >= 0.0);
    }
    assert_eq!(of("fixed:1.50", "iterations"), of("fixed:1.5", "iterations"));
    assert!(of("instance-optimal", "regret_to_best_fixed") <= 0.0);
    let again = json(&arguments, 0);
    let iterations = |document: &Value| -> Vec<u64> {
        let policies = document["policies"].as_array().expect("an array");
        policies.iter().filter_map(|policy| policy["iterations"].as_u64()).collect()
    };
    assert_eq!(iterations(&document), iterations(&again));
}

#[test]
fn heat_prints_a_table_and_draws() {
    let folder = Folder::new();
    let plot = folder.path("h<&>.svg");
    let told = southwell(&["heat", "--grid", "8", "--steps", "50", "--plot", &plot]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let names = [
        "cg",
        "fixed:1.0",
        "best-fixed",
        "tsallis-inf",
        "tsallis-inf-cb",
        "cheb-cb",
        "auto",
        "instance-optimal",
    ];
    for name in names {
        assert!(told.out.lines().any(|line| line.split_whitespace().next() == Some(name)), "{}", told.out);
    }
    let cg: Vec<&str> = told.out.lines().filter(|line| line.starts_with("cg ")).collect();
    assert!(cg[0].contains("1.000"), "{}", told.out);
    let svg = fs::read_to_string(&plot).expect("a plot");
    assert!(svg.contains("<svg") && names.iter().all(|name| svg.contains(name)));
    let alone = southwell(&["heat", "--grid", "8", "--steps", "5", "--policy", "cheb-cb"]);
    assert_eq!(alone.code, 0);
    assert!(
        alone.out.lines().any(|line| line.starts_with("cheb-cb") && line.contains(" - ")),
        "{}",
        alone.out
    );
}
