//! What the test server's `/malformed/{kind}` and `/ws/raw/{kind}` are to a client: one description for every transport.

use miniwire_core::reason::Reason;

/// The data, or the reason, and the status where the head itself is sound. A head that contradicts itself is refused as a
/// whole.
pub type Answered = Result<&'static str, (Reason, Option<u16>)>;

/// How each malformed answer ends.
pub const MALFORMED: [(&str, Answered); 52] = {
    const HEAD: Answered = Err((Reason::MalformedHead, None));
    const FRAMING: Answered = Err((Reason::MalformedFraming, None));
    const BODY: Answered = Err((Reason::MalformedFraming, Some(200)));
    const LARGE: Answered = Err((Reason::HeadTooLarge, None));
    [
        ("two-lengths", FRAMING),
        ("same-lengths", Ok("ok\n")),
        ("list-length", Ok("ok\n")),
        ("list-two-lengths", FRAMING),
        ("length-and-chunked", FRAMING),
        ("plus-length", FRAMING),
        ("minus-length", FRAMING),
        ("hex-length", FRAMING),
        ("empty-length", FRAMING),
        ("spaced-length", FRAMING),
        ("length-overflow", FRAMING),
        ("unknown-coding", FRAMING),
        ("chunked-twice", FRAMING),
        ("chunked-not-last", FRAMING),
        ("chunked-http10", FRAMING),
        ("bare-lf", HEAD),
        ("bare-cr", HEAD),
        ("obs-fold", HEAD),
        ("space-before-colon", HEAD),
        ("space-before-name", HEAD),
        ("empty-name", HEAD),
        ("no-colon", HEAD),
        ("bad-name", HEAD),
        ("nul-in-header", HEAD),
        ("bad-status-line", HEAD),
        ("long-status", HEAD),
        ("no-status", HEAD),
        ("http2", HEAD),
        ("http12", HEAD),
        ("lower-case-http", HEAD),
        ("switching", HEAD),
        ("chunk-empty-size", BODY),
        ("chunk-empty-size-extension", BODY),
        ("chunk-plus", BODY),
        ("chunk-hex-prefix", BODY),
        ("chunk-negative", BODY),
        ("chunk-overflow", BODY),
        ("chunk-junk-after", BODY),
        ("chunk-junk-size", BODY),
        ("chunk-bare-lf", BODY),
        ("chunk-extension-lf", BODY),
        ("bad-trailer", BODY),
        // The answer is whole; what follows belongs to nothing, and the connection goes.
        ("extra", Ok("ok\n")),
        ("truncated-head", Err((Reason::ConnectionClosed, None))),
        ("garbage", HEAD),
        ("garbage-text", HEAD),
        ("endless-head", LARGE),
        ("endless-line", LARGE),
        ("endless-interim", HEAD),
        ("endless-extension", BODY),
        ("endless-trailers", BODY),
        ("endless-zeros", BODY),
    ]
};

/// Servers, what the listeners of a socket are told of them, and the code of the Close frame that each of them sees.
pub const SOCKETS: &[(&str, &[&str], u16)] = &[
    (
        "good in-one-piece byte-by-byte upper-case connection-list two-connections padded-accept no-reason early-hints \
         content-length chunked",
        &["open None", "message hello false", "close 1000 "],
        1000,
    ),
    ("no-accept", &["error 8 AcceptMissing", "close 1006 "], 1006),
    ("wrong-accept empty-accept long-accept", &["error 8 AcceptWrong", "close 1006 "], 1006),
    ("same-accepts two-accepts", &["error 8 AcceptRepeated", "close 1006 "], 1006),
    ("no-upgrade wrong-upgrade longer-upgrade", &["error 8 WrongUpgrade", "close 1006 "], 1006),
    ("no-connection keep-alive", &["error 8 WrongConnection", "close 1006 "], 1006),
    ("status-200", &["error 8 NotUpgraded", "close 1006 "], 1006),
    ("http10 status-100 folded space-before-colon garbage", &["error 8 MalformedHead", "close 1006 "], 1006),
    ("extension unknown-extension", &["error 8 UnrequestedExtension", "close 1006 "], 1006),
    ("protocol two-protocols empty-protocol", &["error 9 UnrequestedProtocol", "close 1006 "], 1006),
    ("truncated-head", &["error 1 ConnectionClosed", "close 1006 "], 1006),
    ("endless-head", &["error 12 HeadTooLarge", "close 1006 "], 1006),
    ("masked masked-ping masked-close", &["open None", "error 1 ViolationMasked", "close 1006 "], 1002),
    ("rsv1 rsv2 rsv3 rsv1-continuation rsv1-ping", &["open None", "error 1 ViolationReservedBit", "close 1006 "], 1002),
    ("opcode-3 opcode-11", &["open None", "error 1 ViolationReservedOpcode", "close 1006 "], 1002),
    ("long-ping long-pong long-close", &["open None", "error 1 ViolationLongControl", "close 1006 "], 1002),
    ("fragmented-ping fragmented-close", &["open None", "error 1 ViolationFragmentedControl", "close 1006 "], 1002),
    ("lone-continuation", &["open None", "error 1 ViolationUnexpectedContinuation", "close 1006 "], 1002),
    ("text-within-text binary-within-text", &["open None", "error 1 ViolationInterleavedMessage", "close 1006 "], 1002),
    (
        "length-16-for-7 length-64-for-7 length-64-for-16",
        &["open None", "error 1 ViolationOverlongLength", "close 1006 "],
        1002,
    ),
    ("length-2-63 length-2-64", &["open None", "error 1 ViolationLengthTopBit", "close 1006 "], 1002),
    ("ping-within unasked-pong", &["open None", "message hello false", "close 1000 "], 1000),
    ("empty-text", &["open None", "message  false", "close 1000 "], 1000),
    ("split-character", &["open None", "message \u{e9} false", "close 1000 "], 1000),
    (
        "bad-text-unfinished bad-text-fragment bad-text-end bad-text-surrogate bad-text-overlong bad-text-beyond \
         close-bad-reason",
        &["open None", "error 1 ViolationNotUtf8", "close 1006 "],
        1007,
    ),
    ("close-empty", &["open None", "close 1005 "], 1005),
    ("close-one-byte", &["open None", "error 1 ViolationCloseBody", "close 1006 "], 1002),
    (
        "close-0 close-999 close-1004 close-1005 close-1006 close-1015 close-1016 close-2999 close-5000 close-65535",
        &["open None", "error 1 ViolationCloseCode", "close 1006 "],
        1002,
    ),
    ("close-3000", &["open None", "close 3000 "], 3000),
    ("close-4999", &["open None", "close 4999 "], 4999),
    ("data-after-close two-closes garbage-after-close", &["open None", "close 1000 "], 1000),
    ("fin", &["open None", "message hello false", "error 1 ConnectionClosed", "close 1006 "], 1006),
    ("fin-mid-frame fin-mid-header fin-mid-message", &["open None", "error 1 ConnectionClosed", "close 1006 "], 1006),
    ("reset", &["open None", "message hello false", "error 1 ConnectionLost", "close 1006 "], 1006),
    ("reset-mid-frame", &["open None", "error 1 ConnectionLost", "close 1006 "], 1006),
    ("empty-fragments pings pings-within pongs", &["open None", "message hello false", "close 1000 "], 1000),
    ("long-frame", &["open None", "error 12 TooLarge", "close 1006 "], 1009),
];

/// One that is told 1009, and may have said 1000 before it heard of that.
pub const TOO_LARGE: &str = "fragments";

/// Those that announce more than they send and wait.
pub const UNFINISHED: &[&str] = &["length-2-62", "length-2-32"];
