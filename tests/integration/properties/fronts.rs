//! Variables that a web server sends come out as they went in, however they are
//! wrapped; and whatever comes, nothing panics and the pieces do not matter.

use gateway_server::exchange::Bodies;
use gateway_server::protocol::Limits;
use gateway_server::protocol::front::{Found, Front, Variables};
use gateway_tests::fronts::{self, SCHEMES};
use gateway_tests::packets::{self, Pair};
use gateway_tests::script::{self, Body};

use super::*;

const FRONTS: [Front; 3] = [Front::Uwsgi, Front::Scgi, Front::FastCgi];
/// What SCGI begins with.
const FIRST: [(&[u8], &[u8]); 2] = [(b"CONTENT_LENGTH", b"0"), (b"SCGI", b"1")];

/// Of any bytes but NUL, which ends a text of SCGI. Long ones have another length in
/// FastCGI.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![9 => vec(1..=0xff_u8, 0..20), 1 => vec(1..=0xff_u8, 120..300)]
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    vec((text(), text()), 0..40).prop_map(|pairs| {
        let first = FIRST.iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
        // One that says the length again would say another.
        first.chain(pairs.into_iter().filter(|(name, _)| !name.starts_with(b"UWSGI_"))).collect()
    })
}

fn wrapped(front: Front, pairs: &[Pair], lengths: &[usize], padding: u8) -> Vec<u8> {
    match front {
        Front::Uwsgi => packets::uwsgi(pairs),
        Front::Scgi => packets::scgi(pairs),
        Front::FastCgi => packets::fastcgi(9, pairs, b"", lengths, padding),
    }
}

/// Some packets one behind the other, with a few changes.
fn mutated_packets() -> impl Strategy<Value = Vec<u8>> {
    static PACKETS: LazyLock<Vec<Vec<u8>>> =
        LazyLock::new(|| fronts::all().into_iter().map(|fixture| fixture.bytes).collect());
    let base = vec(select(&**PACKETS), 1..3).prop_map(|parts| parts.concat());
    (base, vec(change(), 0..4)).prop_map(|(mut bytes, changes)| {
        changes.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn variables_come_out_as_they_went_in(
        pairs in pairs(),
        lengths in vec(1..400_usize, 1..6),
        padding in any::<u8>(),
        behind in vec(any::<u8>(), 0..20),
    ) {
        for front in FRONTS {
            let bytes = wrapped(front, &pairs, &lengths, padding);
            let mut variables = Variables::default();
            let found = front.read(&[&bytes[..], &behind].concat(), 65_536, &mut variables);
            let Ok(Found::Request(envelope, aside)) = found else { panic!("{front:?}: {found:?}") };
            prop_assert_eq!((envelope.size, aside.len()), (bytes.len(), 0));
            let read: Vec<Pair> = variables.all().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(&read, &pairs, "{:?}", front);
            prop_assert_eq!(front.read(&bytes[..bytes.len() - 1], 65_536, &mut variables), Ok(Found::Partial));
        }
    }

    #[test]
    fn any_variables_are_understood_or_refused(pairs in pairs(), bytes in vec(any::<u8>(), 0..300)) {
        for front in FRONTS {
            let mut variables = Variables::default();
            for bytes in [&wrapped(front, &pairs, &[50], 0), &bytes] {
                let _ = front.read(bytes, 1000, &mut variables);
                let _ = variables.prepare();
                let _ = variables.understood(&Limits::default(), &mut Vec::new(), &mut Vec::new());
            }
        }
    }

    #[test]
    fn the_pieces_of_packets_do_not_matter(bytes in mutated_packets(), ends in vec(any::<Index>(), 0..5), collects: bool) {
        let bodies = if collects { Bodies::Collected } else { Bodies::Live };
        for (_, scheme) in SCHEMES {
            let serve = |pieces| script::serve_as(scheme, pieces, Body::Read, bodies);
            let (whole, pieces) = (serve(vec![&bytes[..]]), serve(split(&bytes, &ends)));
            prop_assert_eq!(&pieces.seen, &whole.seen, "{:?}", scheme);
            prop_assert_eq!(pieces.output.escape_ascii().to_string(), whole.output.escape_ascii().to_string());
            prop_assert_eq!(pieces.after, whole.after);
        }
    }
}
