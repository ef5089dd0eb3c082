//! The bytes are as the format says.

use super::*;
use crate::engine::lsm::table::format::{BLOCK_BYTES, CELL, ENGINE, Footer, Seal, VERSION};
use crate::engine::wal::format::header_of;

fn footer(bytes: &[u8]) -> Footer {
    let (_, footer) = bytes.split_last_chunk().unwrap();
    Footer::decode(footer, bytes.len() as u64).unwrap()
}

#[test]
fn the_bytes_of_a_table_are_as_the_format_says() {
    let bytes = encode(META, [entry("k", Some("vw")), entry("l", None)]);
    let mut crc = crc32fast::Hasher::new();
    for bytes in [3u64.to_le_bytes(), 9u64.to_le_bytes()] {
        crc.update(&bytes);
    }
    crc.update(&[2, 0, 0, 0, 1, 0, 0, 0]);
    let seal = crc.finalize();
    let sealed = |at: u64, bytes: &[u8]| {
        crc32fast::hash(&[&seal.to_le_bytes()[..], &at.to_le_bytes(), bytes].concat())
    };

    let mut block = vec![16, 0, 0, 0, 2, 0, 0, 0];
    block.extend([1, 0, 2, 0, 0, 0, b'k', b'v', b'w']);
    block.extend([1, 0, 255, 255, 255, 255, b'l']);
    block.resize(28, 0);
    let block_crc = sealed(16, &block).to_le_bytes();

    let mut index = vec![16, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0];
    index.extend(block_crc);
    index.extend([1, 0, b'k']);
    index.resize(32, 0);

    let filter = &bytes[80..96];
    let mut footer = Vec::new();
    for long in [3u64, 9, 2, 1, 48, 80, 176] {
        footer.extend(long.to_le_bytes());
    }
    for word in [2, 1, sealed(48, &index), sealed(80, filter), 0] {
        footer.extend(word.to_le_bytes());
    }
    footer.extend(crc32fast::hash(&footer).to_le_bytes());

    let header = header_of(ENGINE, VERSION);
    let expected = [&header, &block_crc[..], &block, &index, filter, &footer].concat();
    assert_eq!(bytes, expected);
    assert_eq!(header[..12], *b"LIGHTOUT\x03\0\x01\0");
    assert!(filter.iter().any(|byte| *byte != 0));
}

#[test]
fn the_seal_tells_tables_and_places_apart() {
    let crc = |meta: Meta, at| Seal::of(&meta).crc(at, b"bytes");
    let others = [
        crc(Meta { lo: 4, ..META }, 16),
        crc(Meta { hi: 8, ..META }, 16),
        crc(
            Meta {
                generation: 3,
                ..META
            },
            16,
        ),
        crc(Meta { level: 0, ..META }, 16),
        crc(META, 32),
    ];
    assert!(others.iter().all(|other| *other != crc(META, 16)));
}

#[test]
fn a_block_is_closed_before_it_grows_over_its_size_unless_one_entry_does() {
    // 12 bytes for the header of a block, 6 for that of an entry, 1 for the key.
    let entry_of = |key: u8, bytes: usize| Entry {
        key: vec![key],
        value: Some(vec![0; bytes - 7]),
    };
    let half = (BLOCK_BYTES - 12) / 2;
    let blocks = |sizes: &[usize]| {
        let entries = sizes
            .iter()
            .zip(0..)
            .map(|(bytes, key)| entry_of(key, *bytes));
        footer(&encode(META, entries)).blocks
    };
    assert_eq!(blocks(&[half, half]), 1);
    assert_eq!(blocks(&[half, half + 1]), 2);
    assert_eq!(blocks(&[10, 9000, 10]), 3);
}

proptest! {
    #[test]
    fn everything_lies_on_the_grid(model in any_model()) {
        let bytes = bytes_of(&model);
        let footer = footer(&bytes);
        for place in [footer.index_at, footer.filter_at, footer.file_bytes] {
            prop_assert_eq!(place % CELL as u64, 0);
        }
        prop_assert_eq!(footer.file_bytes, bytes.len() as u64);
    }

    #[test]
    fn anything_at_all_is_refused_without_a_panic(bytes in vec(any::<u8>(), 0..300), has_header in any::<bool>()) {
        let header = if has_header { &header_of(ENGINE, VERSION)[..] } else { &[] };
        let file = MemoryFile::of([header, &bytes[..]].concat());
        prop_assert!(try_open(&file).is_err());
    }
}

#[test]
fn a_foreign_file_another_engines_and_one_of_a_newer_version_are_told_apart() {
    let open_with = |header: &[u8]| {
        let mut bytes = bytes_of(&Model::new());
        bytes[..16].copy_from_slice(header);
        try_open(&MemoryFile::of(bytes)).unwrap_err()
    };
    assert!(matches!(
        open_with(b"SQLite format 3\0"),
        Error::Foreign { .. }
    ));
    let error = open_with(&header_of(1, 1));
    assert!(matches!(error, Error::OtherEngine { found: 1, .. }));
    let error = open_with(&header_of(ENGINE, VERSION + 1));
    assert!(matches!(
        error,
        Error::OtherVersion {
            found: 2,
            known: 1,
            ..
        }
    ));
    let error = open_with(b"LIGHTOUT\x03\0\x01\0\0\0\0\0");
    assert!(matches!(error, Error::Damaged { at: 0, .. }));
}

#[test]
fn a_footer_whose_checksum_is_right_and_whose_numbers_are_not_is_refused() {
    let bytes = encode(META, [entry("k", Some("vw"))]);
    let right = footer(&bytes);
    let wrong = [
        Footer {
            index_at: right.index_at + 8,
            ..right
        },
        Footer {
            filter_at: 16,
            ..right
        },
        Footer {
            filter_at: u64::MAX - 15,
            ..right
        },
        Footer { blocks: 2, ..right },
        Footer {
            blocks: u64::MAX,
            ..right
        },
        Footer {
            file_bytes: right.file_bytes + 16,
            ..right
        },
        Footer {
            meta: Meta {
                entries: 1 << 40,
                ..right.meta
            },
            ..right
        },
        Footer {
            meta: Meta {
                entries: u64::MAX,
                ..right.meta
            },
            ..right
        },
        Footer { blocks: 0, ..right },
        Footer {
            index_at: right.index_at - 16,
            ..right
        },
        Footer {
            meta: Meta {
                lo: 2,
                ..right.meta
            },
            ..right
        },
    ];
    for wrong in wrong {
        let mut bytes = bytes.clone();
        let at = bytes.len() - wrong.encode().len();
        bytes[at..].copy_from_slice(&wrong.encode());
        let error = try_open(&MemoryFile::of(bytes)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{wrong:?}: {error}");
    }
}
