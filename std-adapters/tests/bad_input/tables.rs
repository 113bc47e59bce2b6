//! Tables of comma-separated values, and labelled sparse rows.

use southwell_std::files::{csv, libsvm};

use crate::corpus::Group;

pub(crate) fn csv(group: &mut Group<'_>) {
    let rows: [(&str, &[u8]); 14] = [
        ("empty", b""),
        ("a heading alone", b"x,y\n"),
        ("newlines alone", b"\n\n\n"),
        ("a word among numbers", b"1,2\n3,four\n"),
        ("an empty field", b"1,2\n3,\n"),
        ("two headings", b"x,y\na,b\n1,2\n"),
        ("a line too short", b"1,2,3\n4,5\n"),
        ("a line too long", b"1,2\n3,4,5\n"),
        ("semicolons", b"1;2\n3;4\n"),
        ("NaN", b"1,2\n3,NaN\n"),
        ("infinity", b"1,2\ninf,4\n"),
        ("a number too large", b"1,2\n1e400,4\n"),
        ("bytes that are no text", b"1,2\n\xff\xfe,4\n"),
        ("a quote without end", b"1,2\n\"3,4\n5,6\n"),
    ];
    for (name, bytes) in rows {
        group.bad(name, csv::parse(bytes));
    }
}

pub(crate) fn libsvm(group: &mut Group<'_>) {
    let rows: [(&str, &[u8]); 18] = [
        ("a word for a label", b"1 1:1\nx 1:2\n"),
        ("several labels", b"1,2 2:1\n"),
        ("no label", b"1:1 2:1\n"),
        ("NaN for a label", b"nan 2:1\n"),
        ("no colon", b"1 1\n"),
        ("a colon alone", b"1 :\n"),
        ("no index", b"1 :2\n"),
        ("no value", b"1 2:\n"),
        ("index zero", b"1 0:1\n"),
        ("a negative index", b"1 -1:1\n"),
        ("a query", b"1 qid:3 2:1\n"),
        ("an index twice", b"1 2:1 2:1\n"),
        ("indices that decrease", b"1 3:1 2:1\n"),
        ("a value too large", b"1 1:1e400\n"),
        ("infinity", b"1 1:inf\n"),
        ("an index beyond 32 bits", b"1 99999999999:1\n"),
        ("four thousand million columns", b"1 1:1\n1 4000000000:1\n"),
        ("bytes that are no text", b"1 1:\xff\n"),
    ];
    for (name, bytes) in rows {
        group.bad(name, libsvm::read_from(bytes));
    }
}
