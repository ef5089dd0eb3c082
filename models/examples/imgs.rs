use models::disk::{Call, Disk};
use models::profile::Profile;
use std::time::Instant;
fn main() {
    let profile = Profile::named(&std::env::args().nth(1).unwrap_or("posix".into())).unwrap();
    let mut d: Disk<u8> = Disk::default();
    let ap = |d: &mut Disk<u8>, c: Call<u8>| d.apply(&c, &profile).unwrap();
    let w = |f: &str, at: usize, c: &[u8]| Call::Write {
        file: f.into(),
        at,
        cells: c.to_vec(),
    };
    ap(&mut d, Call::CreateDirectory("s".into()));
    for f in ["s/log", "s/t1", "s/t2", "s/manifest"] {
        ap(&mut d, Call::Create(f.into()));
        ap(&mut d, w(f, 0, &[1, 2, 3]));
        ap(&mut d, Call::Barrier(f.into()));
    }
    ap(&mut d, Call::DirectoryBarrier("s".into()));
    ap(&mut d, Call::DirectoryBarrier("".into()));
    let calls = [
        w("s/log", 3, &[4, 5]),
        Call::Create("s/t3.tmp".into()),
        w("s/t3.tmp", 0, &[6, 7, 8]),
        Call::Barrier("s/t3.tmp".into()),
        Call::Rename {
            from: "s/t3.tmp".into(),
            to: "s/t3".into(),
        },
        Call::Create("s/manifest.tmp".into()),
        w("s/manifest.tmp", 0, &[3, 3]),
        Call::Barrier("s/manifest.tmp".into()),
        Call::Rename {
            from: "s/manifest.tmp".into(),
            to: "s/manifest".into(),
        },
        Call::Remove("s/t1".into()),
        Call::Remove("s/t2".into()),
        w("s/log", 0, &[9, 9]),
        Call::SetLen {
            file: "s/log".into(),
            to: 1,
        },
    ];
    let (mut total, mut t) = (0, 0.0);
    let n: usize = std::env::args().nth(2).map_or(13, |n| n.parse().unwrap());
    for c in calls.into_iter().take(n) {
        ap(&mut d, c);
        let s = Instant::now();
        let r = std::env::var("R").map_or(1, |r| r.parse::<usize>().unwrap());
        let mut i = 0;
        for _ in 0..r {
            i = d.crash_images(&profile).len();
        }
        let e = s.elapsed().as_secs_f64() / r as f64;
        total += i;
        t += e;
        println!("{:>6} images {:>8.1} us", i, e * 1e6);
    }
    println!("{total} images, {:.2} us each", t * 1e6 / total as f64);
}
