//! `my.canIUse`: what of the reference is implemented (CTX-05).
//!
//! A schema is `api`, `api.type`, `api.type.param` or `api.type.param.option`, where the type is `object` (what the
//! call takes), `return` (what it gives back at once) or `callback` (what its callbacks are given). Names are
//! case-sensitive. The answer is true where every name in the schema is one of something implemented, so each
//! beginning of a schema that can be used can be used too: `request.return` because `request.return.abort` can.

/// What is implemented of one API, and under which names.
///
/// Each list is names with a space between. A parameter that takes some strings only is followed by them, each after a
/// colon.
struct Api {
    names: &'static str,
    object: &'static str,
    returns: &'static str,
    callback: &'static str,
}

const APIS: &[Api] = &[
    Api {
        names: "request httpRequest",
        object: "url headers method:GET:POST:PUT:DELETE data timeout dataType:json:text:base64 success fail complete",
        returns: "abort",
        callback: "data status headers error errorMessage",
    },
    Api {
        names: "uploadFile",
        object: "url filePath fileName fileType:image:video:audio header formData success fail complete",
        returns: "abort onProgressUpdate",
        callback: "data statusCode header progress totalBytesWritten totalBytesExpectedToWrite error errorMessage",
    },
    Api {
        names: "downloadFile",
        object: "url header success fail complete",
        returns: "abort onProgressUpdate",
        callback: "apFilePath progress totalBytesWritten totalBytesExpectedToWrite error errorMessage",
    },
    Api {
        names: "connectSocket",
        object: "url data header protocols timeout success fail complete",
        returns: "",
        callback: "error errorMessage",
    },
    Api {
        names: "sendSocketMessage",
        object: "data isBuffer success fail complete",
        returns: "",
        callback: "error errorMessage",
    },
    Api {
        names: "closeSocket",
        object: "code reason success fail complete",
        returns: "",
        callback: "error errorMessage",
    },
    Api { names: "onSocketOpen", object: "callback", returns: "", callback: "" },
    Api { names: "onSocketError", object: "callback", returns: "", callback: "error errorMessage" },
    Api { names: "onSocketMessage", object: "callback", returns: "", callback: "data isBuffer" },
    Api { names: "onSocketClose", object: "callback", returns: "", callback: "code reason" },
    Api {
        names: "offSocketOpen offSocketError offSocketMessage offSocketClose",
        object: "callback",
        returns: "",
        callback: "",
    },
];

/// Whether the API, or the part of it, that `schema` names is implemented; false for what is no schema.
///
/// ```
/// use miniwire_core::can_i_use::can_i_use;
///
/// assert!(can_i_use("request"));
/// assert!(can_i_use("request.object.method.PUT"));
/// assert!(!can_i_use("request.object.method.PATCH"));
/// ```
pub fn can_i_use(schema: &str) -> bool {
    let mut names = schema.as_bytes().split(|byte| *byte == b'.');
    let (api, kind, param, option) = (names.next(), names.next(), names.next(), names.next());
    if names.next().is_some() {
        return false;
    }
    let Some(api) = APIS.iter().find(|known| words(known.names).any(|name| Some(name) == api)) else {
        return false;
    };
    let params = match kind {
        None => return true,
        Some(b"object") => api.object,
        Some(b"return") => api.returns,
        Some(b"callback") => api.callback,
        Some(_) => return false,
    };
    // An API may have nothing of a type.
    let Some(param) = param else { return !params.is_empty() };
    // A list without names has an empty one.
    !param.is_empty()
        && words(params).any(|known| {
            let mut known = known.split(|byte| *byte == b':');
            known.next() == Some(param) && option.is_none_or(|option| known.any(|known| known == option))
        })
}

fn words(list: &str) -> impl Iterator<Item = &[u8]> {
    list.as_bytes().split(|byte| *byte == b' ')
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;

    const USABLE: &[&str] = &[
        "request",
        "request.object",
        "request.object.url",
        "request.object.headers",
        "request.object.method",
        "request.object.method.GET",
        "request.object.method.POST",
        "request.object.method.PUT",
        "request.object.method.DELETE",
        "request.object.data",
        "request.object.timeout",
        "request.object.dataType",
        "request.object.dataType.json",
        "request.object.dataType.text",
        "request.object.dataType.base64",
        "request.object.success",
        "request.object.fail",
        "request.object.complete",
        "request.return",
        "request.return.abort",
        "request.callback",
        "request.callback.data",
        "request.callback.status",
        "request.callback.headers",
        "request.callback.error",
        "request.callback.errorMessage",
        "uploadFile",
        "uploadFile.object",
        "uploadFile.object.url",
        "uploadFile.object.filePath",
        "uploadFile.object.fileName",
        "uploadFile.object.fileType",
        "uploadFile.object.fileType.image",
        "uploadFile.object.fileType.video",
        "uploadFile.object.fileType.audio",
        "uploadFile.object.header",
        "uploadFile.object.formData",
        "uploadFile.object.success",
        "uploadFile.object.fail",
        "uploadFile.object.complete",
        "uploadFile.return",
        "uploadFile.return.abort",
        "uploadFile.return.onProgressUpdate",
        "uploadFile.callback",
        "uploadFile.callback.data",
        "uploadFile.callback.statusCode",
        "uploadFile.callback.header",
        "uploadFile.callback.progress",
        "uploadFile.callback.totalBytesWritten",
        "uploadFile.callback.totalBytesExpectedToWrite",
        "uploadFile.callback.error",
        "uploadFile.callback.errorMessage",
        "downloadFile",
        "downloadFile.object",
        "downloadFile.object.url",
        "downloadFile.object.header",
        "downloadFile.object.success",
        "downloadFile.object.fail",
        "downloadFile.object.complete",
        "downloadFile.return",
        "downloadFile.return.abort",
        "downloadFile.return.onProgressUpdate",
        "downloadFile.callback",
        "downloadFile.callback.apFilePath",
        "downloadFile.callback.progress",
        "downloadFile.callback.totalBytesWritten",
        "downloadFile.callback.totalBytesExpectedToWrite",
        "downloadFile.callback.error",
        "downloadFile.callback.errorMessage",
        "connectSocket",
        "connectSocket.object",
        "connectSocket.object.url",
        "connectSocket.object.data",
        "connectSocket.object.header",
        "connectSocket.object.protocols",
        "connectSocket.object.timeout",
        "connectSocket.object.success",
        "connectSocket.object.fail",
        "connectSocket.object.complete",
        "connectSocket.callback.error",
        "sendSocketMessage.object.data",
        "sendSocketMessage.object.isBuffer",
        "closeSocket.object.code",
        "closeSocket.object.reason",
        "onSocketOpen",
        "onSocketOpen.object.callback",
        "onSocketError.callback.error",
        "onSocketMessage.callback.data",
        "onSocketMessage.callback.isBuffer",
        "onSocketClose.callback.code",
        "onSocketClose.callback.reason",
        "offSocketOpen.object.callback",
        "offSocketError",
        "offSocketMessage",
        "offSocketClose",
    ];

    #[test]
    fn ctx_05_what_is_implemented_can_be_used() {
        for schema in USABLE {
            assert!(can_i_use(schema), "{schema}");
        }
    }

    #[test]
    fn req_20_the_alias_is_the_same() {
        for schema in USABLE {
            let alias = schema.replace("request", "httpRequest");
            assert!(can_i_use(&alias), "{alias}");
        }
    }

    #[test]
    fn ctx_05_nothing_else_can_be_used() {
        for schema in [
            "",
            ".",
            "..",
            "...",
            " ",
            "request.",
            ".request",
            "request..url",
            "request.object.",
            "request.object.url.",
            "my.request",
            "Request",
            "REQUEST",
            "reques",
            "requestx",
            "request ",
            " request",
            "httprequest",
            "request httpRequest",
            "request.Object",
            "request.objects",
            "request.param",
            "request.abort",
            "request.return.",
            "request.return.Abort",
            "request.return.onProgressUpdate",
            "request.object.URL",
            "request.object.url.x",
            "request.object.method.get",
            "request.object.method.PATCH",
            "request.object.method.HEAD",
            "request.object.method.",
            "request.object.method.GET.x",
            "request.object.method:GET",
            "request.object.dataType.arraybuffer",
            "request.object.dataType.JSON",
            "request.object.dataType.json.x",
            "request.object.header",
            "request.object.url headers",
            "request.object.:GET",
            "request.callback.statusCode",
            "request.callback.data.x",
            "request.callback.header",
            "request.object.GET",
            "uploadFile.object.fileType.pdf",
            "uploadFile.object.timeout",
            "uploadFile.object.headers",
            "uploadFile.callback.status",
            "uploadFile.return.offProgressUpdate",
            "downloadFile.object.filePath",
            "downloadFile.callback.data",
            "uploadfile",
            "connectSocket.return",
            "connectSocket.object.method",
            "connectSocket.callback.data",
            "sendSocketMessage.return",
            "sendSocketMessage.object.buffer",
            "closeSocket.object.url",
            "onSocketOpen.callback",
            "onSocketOpen.callback.",
            "onSocketMessage.object.data",
            "offSocketOpen.callback",
            "onSocketPing",
            "SocketTask",
            "getSystemInfo",
            "alert",
        ] {
            assert!(!can_i_use(schema), "{schema:?}");
        }
    }

    #[test]
    fn ctx_05_every_beginning_of_a_usable_schema_is_usable_and_no_other_spelling() {
        for schema in USABLE {
            for (dot, _) in schema.match_indices('.') {
                assert!(can_i_use(&schema[..dot]), "{schema}");
            }
            for at in 0..schema.len() {
                let mut other = schema.as_bytes().to_vec();
                other[at] ^= 0x20;
                if let Ok(other) = core::str::from_utf8(&other) {
                    assert!(!can_i_use(other), "{other}");
                }
            }
        }
    }

    #[test]
    fn ctx_05_the_table_is_well_formed() {
        for api in APIS {
            for list in [api.names, api.object, api.returns, api.callback] {
                assert!(!list.contains("  ") && list.trim() == list, "{list:?}");
                assert!(
                    list.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b':')),
                    "{list:?}"
                );
            }
        }
    }
}
