//! How far an upload is: UP-06.

use super::*;
use crate::testing::storage::Xs;

fn updates(source: Xs, transmit: usize, steps: &[Step]) -> Vec<(u8, u64)> {
    let scenario = Scenario::of(&development(), photo(URL), source, steps);
    let told = |driver, split| {
        let seen = scenario.once(driver, split, (512, transmit));
        seen.progress.iter().map(|update| (update.progress, update.total_bytes_written)).collect::<Vec<_>>()
    };
    let by_hand = told(Driver::ByHand, Split::Whole);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        assert_eq!(told(driver, Split::Bytes), by_hand);
    }
    by_hand
}

const WELL: [Step; 2] = [Step::Connect(ROUTE), Step::Request];

#[test]
fn up_06_there_is_one_update_for_each_block_written() {
    let steps = [&WELL[..], &[answer("200 OK", ""), Step::Keeps]].concat();
    for (length, transmit) in [(5000, 256), (5000, 1000), (5000, 4096), (5000, 65_536), (1, 256), (256, 256)] {
        let told = updates(Xs::new(length), transmit, &steps);
        // A block more for where the head ends, and one for where the form does.
        assert!(told.len() as u64 <= length.div_ceil(transmit as u64) + 2, "{told:?}");
        assert_eq!(told.last(), Some(&(100, length)));
        for (progress, written) in &told {
            assert_eq!(u64::from(*progress), written * 100 / length);
        }
    }
    // Read in crumbs, written in blocks.
    let crumbs = updates(Xs { piece: 1, ..Xs::new(5000) }, 1000, &steps);
    assert_eq!(crumbs, updates(Xs::new(5000), 1000, &steps));
}

#[test]
fn up_06_an_empty_file_is_at_100_on_success() {
    let steps = [&WELL[..], &[answer("200 OK", ""), Step::Keeps]].concat();
    assert_eq!(updates(Xs::new(0), 256, &steps), [(100, 0)]);
}

#[test]
fn up_06_an_early_answer_ends_at_100_with_what_was_written() {
    let steps = [Step::Connect(ROUTE), Step::Takes(2000), answer("413 x", ""), Step::Closes];
    let scenario = Scenario::of(&development(), photo(URL), Xs::new(50_000), steps);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        let seen = scenario.once(driver, Split::Whole, (512, 500));
        let last = seen.progress.last().unwrap();
        assert_eq!(last.progress, 100);
        assert!(last.total_bytes_written < 50_000);
    }
}

#[test]
fn up_06_a_failure_is_not_at_100_unless_all_was_written() {
    let seen = |steps: &[Step]| {
        let scenario = Scenario::of(&development(), photo(URL), Xs::new(5000), steps);
        scenario.once(Driver::Blocking, Split::Whole, (512, 256))
    };
    let cut = seen(&[Step::Connect(ROUTE), Step::Takes(2000), Step::Breaks, Step::Closes]);
    assert!((1..50).contains(&cut.progress.last().unwrap().progress), "{:?}", cut.progress);
    let unanswered = seen(&[Step::Connect(ROUTE), Step::Request, Step::Ends, Step::Closes]);
    assert_eq!(unanswered.progress.last().unwrap().progress, 100);
    assert_eq!(unanswered.reason, Some(Reason::ConnectionClosed));
}

#[test]
fn up_06_what_was_not_written_is_not_counted() {
    // The last piece with a byte of the file in it does not get out.
    let steps = [Step::Connect(ROUTE), Step::Takes(100), Step::Breaks, Step::Closes];
    let scenario = Scenario::of(&development(), photo(URL), Xs::new(50), steps);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        assert_eq!(scenario.once(driver, Split::Whole, (512, 4096)).progress, []);
    }
}

#[test]
fn up_06_an_upload_that_is_sent_anew_does_not_begin_again() {
    let steps = [
        Step::Reuse(ROUTE),
        Step::Takes(3000),
        Step::Breaks,
        Step::Closes,
        Step::Fresh(ROUTE),
        Step::Request,
        answer("200 OK", ""),
        Step::Keeps,
    ];
    let told = updates(Xs::new(5000), 256, &steps);
    assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1), "{told:?}");
    assert_eq!(told.last(), Some(&(100, 5000)));
}
