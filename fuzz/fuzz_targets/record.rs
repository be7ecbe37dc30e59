//! Bytes that are read as a record, and requests that change the session in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_session_layer::{fuzzing, store::inspect};
use tower_session_layer_fuzz::{
    plan::Plan,
    record::{NONCE, PREVIOUS, Reading, SEALED, VERIFIER, canonical, read},
    world::World,
};

fuzz_target!(|data: &[u8]| {
    let Some(plan) = Plan::of(data) else {
        return;
    };
    let record = plan.well_formed_record();
    check(plan.record);
    check(&record);
    check_shown(&record);
    let mut world = World::of(&plan);
    plan.acts().for_each(|act| world.act(act));
    for who in [0, 1] {
        let _ = world.save(who);
    }
});

/// What is read and written of bytes.
fn check(bytes: &[u8]) {
    let written = fuzzing::record(bytes);
    let expected = match read(bytes) {
        Reading::Corrupt => None,
        Reading::Newer => Some(Err(())),
        Reading::Record(_) => Some(Ok(canonical(bytes).into())),
    };
    assert_eq!(written, expected);
    if expected.is_none() {
        assert!(inspect(bytes).is_err());
    }
}

/// Other secrets would show the same, so nothing of them is shown.
fn check_shown(record: &[u8]) {
    let mut other = record.to_vec();
    for secret in [VERIFIER..PREVIOUS, PREVIOUS..SEALED, NONCE..NONCE + 8] {
        other[secret].iter_mut().for_each(|byte| *byte ^= 0xa5);
    }
    if record[SEALED..][..32] != [0; 32] {
        other[SEALED..][..32].fill(0xa5);
    }
    assert_eq!(inspect(record).unwrap(), inspect(&other).unwrap());
}
