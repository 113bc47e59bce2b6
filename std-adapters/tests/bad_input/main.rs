//! Bad input of every kind, each row with the exact text that it must get.
//!
//! The modules say what is bad, `expected.txt` what must come of it: a line a row, `group/name: text`. After a
//! change of a text run with `SOUTHWELL_BLESS=1`, and read the difference before it is committed.

mod archives;
mod bandits;
mod corpus;
mod descent;
#[cfg(feature = "images")]
mod images;
mod linear;
mod matrix_market;
mod memory;
mod numpy;
mod recovery;
mod robust;
mod tables;
mod transport;

use corpus::Corpus;

#[test]
fn every_bad_input_gets_its_own_text() {
    let mut corpus = Corpus::default();
    matrix_market::rows(&mut corpus.group("matrix-market"));
    numpy::rows(&mut corpus.group("numpy"));
    archives::rows(&mut corpus.group("npz"));
    tables::csv(&mut corpus.group("csv"));
    tables::libsvm(&mut corpus.group("libsvm"));
    #[cfg(feature = "images")]
    images::rows(&mut corpus.group("image"));
    linear::views(&mut corpus.group("matrix"));
    linear::runs(&mut corpus.group("relaxation"));
    transport::problems(&mut corpus.group("transport"));
    transport::balance(&mut corpus.group("balance"));
    descent::parts(&mut corpus.group("descent"));
    descent::regression(&mut corpus.group("sparse-regression"));
    descent::box_qp(&mut corpus.group("box-qp"));
    robust::fits(&mut corpus.group("robust-fit"));
    robust::sets(&mut corpus.group("non-smooth"));
    recovery::rows(&mut corpus.group("recovery"));
    bandits::rows(&mut corpus.group("bandit"));
    corpus.check();
}
