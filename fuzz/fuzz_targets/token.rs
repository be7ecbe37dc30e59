//! Values of a cookie that may be a token, and tokens that are made of random bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_session_layer::fuzzing;
use tower_session_layer_fuzz::token::{ALPHABET, decode, is_token};

fuzz_target!(|data: &[u8]| {
    read(data);
    // Nearly a token, whatever the bytes are.
    let text: Vec<u8> = data
        .iter()
        .map(|byte| ALPHABET[usize::from(byte % 64)])
        .collect();
    read(&text);
    if let Some(entropy) = data.first_chunk() {
        make(entropy);
    }
});

fn read(value: &[u8]) {
    let read = fuzzing::token(value);
    assert_eq!(read.is_some(), is_token(value), "what counts as a token");
    if let Some(written) = read {
        assert_eq!(written.as_bytes(), value, "it is written as it was read");
    }
}

fn make(entropy: &[u8; 48]) {
    let token = fuzzing::new_token(*entropy);
    assert_eq!(fuzzing::token(token.as_bytes()).as_ref(), Some(&token));
    let mut expected = *entropy;
    expected[6] = expected[6] & 0x0f | 0x40;
    expected[8] = expected[8] & 0x3f | 0x80;
    assert_eq!(
        decode(token.as_bytes()).unwrap(),
        expected,
        "no other bit is lost"
    );
}
