//! Bytes that are not as they were written: refused where they are met, with file and place, and
//! never served.

use super::*;

/// Two blocks, an index, a filter, a footer.
fn small() -> Model {
    Model::from([
        (b"a".into(), Some(vec![1; 40])),
        (b"bc".into(), Some(vec![2; 4090])),
        (b"d".into(), None),
        (b"e".into(), Some(vec![])),
    ])
}

/// What opening, reading and asking for every key give.
fn everything(file: &MemoryFile) -> Result<Vec<Entry>, Error> {
    let table = try_open(file)?;
    for key in small().keys() {
        table.get(key)?;
    }
    read_all(&table)
}

#[test]
fn every_flipped_bit_is_refused_with_file_and_place_and_nothing_wrong_is_served() {
    let model = small();
    let file = MemoryFile::of(bytes_of(&model));
    assert_eq!(everything(&file).unwrap(), entries(&model));
    let bits = 8 * file.bytes().len();
    for bit in 0..bits {
        file.flip(bit);
        let error = everything(&file).expect_err("no bit is idle");
        match error {
            Error::Damaged { path, at, .. } => {
                assert_eq!(path, Path::new("3-9.sst"));
                assert!(at as usize <= bit / 8, "bit {bit} is reported at {at}");
            }
            // The header: its magic, engine, version.
            Error::Foreign { .. } => assert!(bit / 8 < 8),
            Error::OtherEngine { .. } => assert!((8..10).contains(&(bit / 8))),
            Error::OtherVersion { .. } => assert!((10..12).contains(&(bit / 8))),
            error => panic!("bit {bit}: {error}"),
        }
        // Where it opens, what it answers is right or refused.
        if let Ok(table) = try_open(&file) {
            for (key, value) in &model {
                if let Ok(found) = table.get(key) {
                    assert_eq!(found.as_ref(), Some(value), "bit {bit}");
                }
            }
        }
        file.flip(bit);
    }
}

#[test]
fn a_table_cut_anywhere_or_with_anything_behind_it_is_refused() {
    let bytes = bytes_of(&small());
    for length in 0..bytes.len() {
        let error = try_open(&MemoryFile::of(bytes[..length].to_vec())).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{length}: {error}");
    }
    for more in [1, 16, 80, 4096] {
        let longer = [&bytes[..], &vec![0; more]].concat();
        assert!(try_open(&MemoryFile::of(longer)).is_err());
    }
}

#[test]
fn a_table_cut_while_it_is_open_is_refused_and_not_served_in_part() {
    let file = MemoryFile::of(bytes_of(&small()));
    let table = try_open(&file).unwrap();
    file.0.lock().unwrap().bytes.truncate(100);
    let error = table.get(b"e").unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

/// `into` with the bytes in this range replaced by those of `from`.
fn with_part_of(into: &[u8], from: &[u8], part: std::ops::Range<usize>) -> MemoryFile {
    let mut bytes = into.to_vec();
    bytes[part.clone()].copy_from_slice(&from[part]);
    MemoryFile::of(bytes)
}

#[test]
fn any_part_of_another_table_of_the_same_shape_is_refused() {
    let bytes = bytes_of(&small());
    let mut model = small();
    model.insert(b"a".into(), Some(vec![9; 40]));
    let others = [
        // Another interval, generation, level; and what no two tables of one store have: all the
        // same, with other contents.
        encode(Meta { lo: 2, ..META }, entries(&small())),
        encode(
            Meta {
                generation: 1,
                ..META
            },
            entries(&small()),
        ),
        encode(Meta { level: 0, ..META }, entries(&small())),
        bytes_of(&model),
    ];
    let cells = bytes.len() / 16;
    for other in others {
        assert_eq!(other.len(), bytes.len());
        for from in 0..cells {
            for to in [from + 1, cells] {
                let file = with_part_of(&bytes, &other, 16 * from..16 * to);
                let whole = file.bytes();
                if whole != bytes && whole != other {
                    let read = everything(&file);
                    assert!(matches!(read, Err(Error::Damaged { .. })), "{from}..{to}");
                }
            }
        }
    }
}

#[test]
fn a_block_in_the_place_of_another_of_the_same_table_is_refused() {
    let model: Model = [1, 2].map(|n| (vec![n], Some(vec![7; 4077]))).into();
    let mut bytes = bytes_of(&model);
    let block = 4096;
    let (first, second) = bytes[16..16 + 2 * block].split_at_mut(block);
    first.swap_with_slice(second);
    let table = open(bytes);
    for key in model.keys() {
        assert!(matches!(table.get(key), Err(Error::Damaged { .. })));
    }
}
