//! The bytes: what is encoded is decoded, and anything else is not.

use crate::engine::wal::error::Error;
use crate::engine::wal::format::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::path::Path;

pub(super) fn any_write() -> impl Strategy<Value = Write> {
    let bytes = || vec(any::<u8>(), 0..40);
    prop_oneof![
        (bytes(), bytes()).prop_map(|(key, value)| Write::Put { key, value }),
        bytes().prop_map(|key| Write::Delete { key }),
    ]
}

fn encoded(lsn: Lsn, mark: u64, writes: &[Write]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(Chain::start(), lsn, mark, writes, &mut bytes).unwrap();
    bytes
}

fn read_back(bytes: &[u8]) -> Option<(Header, Entry)> {
    let header = Header::read(bytes).filter(Header::is_sane)?;
    header.vouches_for(bytes, Chain::start()).then_some(())?;
    Some((header, decode(&header, bytes)?))
}

const LSN: Lsn = Lsn {
    generation: 3,
    index: 7,
};

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        generation in 1u32.., index in 1u64.., mark: u64, writes in vec(any_write(), 1..5),
    ) {
        let lsn = Lsn { generation, index };
        let bytes = encoded(lsn, mark, &writes);
        prop_assert_eq!(bytes.len() % CELL, 0);
        let (header, decoded) = read_back(&bytes).unwrap();
        let entry = Entry::Writes(writes);
        prop_assert_eq!((header.lsn, header.mark, decoded), (lsn, mark, entry));
    }

    #[test]
    fn a_note_that_is_encoded_is_decoded(number: u64, kind in 0usize..3) {
        let note = [Note::Begin, Note::Commit, Note::Checkpoint][kind](number);
        let mut bytes = Vec::new();
        encode_note(Chain::start(), LSN, 6, note, &mut bytes);
        prop_assert_eq!(bytes.len() % CELL, 0);
        prop_assert_eq!(read_back(&bytes).unwrap().1, Entry::Note(note));
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_rejected(writes in vec(any_write(), 1..3)) {
        let mut bytes = encoded(LSN, 6, &writes);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read_back(&bytes).is_none(), "bit {} is not noticed", bit);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_record_cut_short_is_rejected(writes in vec(any_write(), 1..3)) {
        let bytes = encoded(LSN, 6, &writes);
        for length in 0..bytes.len() {
            prop_assert!(read_back(&bytes[..length]).is_none());
        }
    }

    #[test]
    fn anything_at_all_is_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(read_back(&bytes).is_none());
        let header = Header { crc: 0, length: bytes.len() as u32, count: 3, lsn: LSN, mark: 0 };
        decode(&header, &bytes);
    }
}

#[test]
fn the_bytes_of_a_record_are_as_the_format_says() {
    let bytes = encoded(
        LSN,
        6,
        &[Write::Put {
            key: b"k".into(),
            value: b"vw".into(),
        }],
    );
    let mut expected = [0; 48];
    expected[4] = 12;
    expected[8] = 3;
    expected[12] = 1;
    expected[16] = 7;
    expected[24] = 6;
    expected[32..44].copy_from_slice(&[1, 1, 0, 0, 0, b'k', 2, 0, 0, 0, b'v', b'w']);
    assert_eq!(bytes[4..], expected[4..]);
    let chained = [&file_header()[12..], &[0; 4], &expected[4..]].concat();
    assert_eq!(bytes[..4], crc32fast::hash(&chained).to_le_bytes());
    assert_eq!(file_header()[..12], *b"LIGHTOUT\x01\0\x01\0");
}

#[test]
fn a_record_is_one_only_behind_the_two_that_it_was_written_behind() {
    let chain = Chain::start().then(1).then(2);
    let mut bytes = Vec::new();
    let write = Write::Delete { key: vec![] };
    encode(chain, LSN, 6, &[write], &mut bytes).unwrap();
    let header = Header::read(&bytes).unwrap();
    assert!(header.vouches_for(&bytes, chain));
    for other in [[1, 3], [3, 2], [2, 1]] {
        let other = Chain::start().then(other[0]).then(other[1]);
        assert!(!header.vouches_for(&bytes, other));
    }
}

#[test]
fn zeros_are_no_record() {
    assert!(read_back(&[0; RECORD_HEADER]).is_none());
    assert!(read_back(&[0; 3 * CELL]).is_none());
}

#[test]
fn empty_keys_and_values_are_legal_and_the_limits_are_exact() {
    let put = |key, value| Write::Put {
        key: vec![7; key],
        value: vec![8; value],
    };
    assert!(read_back(&encoded(LSN, 0, &[put(0, 0)])).is_some());
    assert!(read_back(&encoded(LSN, 0, &[put(KEY_BYTES_MAX, VALUE_BYTES_MAX)])).is_some());
    let refused = |writes: &[Write]| match check_limits(writes) {
        Err(Error::TooLarge { what, bytes, .. }) => (what, bytes as usize),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(&[put(KEY_BYTES_MAX + 1, 0)]),
        ("key", KEY_BYTES_MAX + 1)
    );
    assert_eq!(
        refused(&[put(0, VALUE_BYTES_MAX + 1)]),
        ("value", VALUE_BYTES_MAX + 1)
    );
    let last = |value| [vec![put(0, VALUE_BYTES_MAX); 3], vec![put(0, value)]].concat();
    let fits = BATCH_BYTES_MAX - 3 * (VALUE_BYTES_MAX + 9) - 9;
    assert_eq!(
        check_limits(&last(fits)).unwrap(),
        (4, BATCH_BYTES_MAX as u32)
    );
    assert_eq!(refused(&last(fits + 1)), ("batch", BATCH_BYTES_MAX + 1));
    assert!(matches!(check_limits(&[]), Err(Error::EmptyBatch)));
}

#[test]
fn a_header_says_what_it_lacks() {
    let check = |bytes: &[u8]| check_file_header(Path::new("log"), bytes);
    let with = |at: usize, byte: u8| {
        let mut header = file_header();
        header[at] = byte;
        check(&header)
    };
    assert!(check(&file_header()).is_ok());
    assert!(matches!(
        check(&file_header()[..15]),
        Err(Error::DamagedHeader { .. })
    ));
    assert!(matches!(check(b""), Err(Error::DamagedHeader { .. })));
    assert!(matches!(check(b"shop"), Err(Error::Foreign { .. })));
    assert!(matches!(with(0, b'X'), Err(Error::Foreign { .. })));
    assert!(matches!(
        with(8, 2),
        Err(Error::OtherEngine { found: 2, .. })
    ));
    assert!(matches!(
        with(10, 2),
        Err(Error::OtherVersion {
            found: 2,
            known: 1,
            ..
        })
    ));
    assert!(matches!(with(12, 0), Err(Error::DamagedHeader { .. })));
}
