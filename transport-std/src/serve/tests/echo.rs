use serde_json::json;

use super::*;

#[test]
fn an_echo_tells_the_query_the_headers_and_the_url() {
    let reply = Reply::of(&exchange(request("GET", "/get?a=1&b=%e2%82%ac+%2B&a=2&c", "aCCept-x: y\r\n", "")));
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.field("Content-Type"), Some("application/json"));
    let echo = reply.json();
    assert_eq!(echo["args"], json!({ "a": ["1", "2"], "b": "€ +", "c": "" }));
    assert_eq!(echo["headers"], json!({ "Host": "test.example", "Accept-X": "y", "Connection": "close" }));
    assert_eq!(echo["raw_headers"], json!([["Host", "test.example"], ["aCCept-x", "y"], ["Connection", "close"]]));
    assert_eq!(echo["raw_target"], "/get?a=1&b=%e2%82%ac+%2B&a=2&c");
    assert_eq!(echo["url"], "http://test.example/get?a=1&b=%e2%82%ac+%2B&a=2&c");
    assert_eq!((&echo["method"], &echo["origin"]), (&json!("GET"), &json!("127.0.0.1")));
    assert_eq!((&echo["data"], &echo["form"], &echo["json"]), (&json!(""), &json!({}), &json!(null)));
}

#[test]
fn an_echo_tells_repeated_headers_in_wire_order() {
    let fields = "X-B: 1\r\nx-a: 2\r\nX-B:   3  \r\nX-Empty:\r\n";
    let echo = Reply::of(&exchange(request("GET", "/anything", fields, ""))).json();
    assert_eq!(echo["headers"]["X-B"], "1,3");
    let wire = json!([
        ["Host", "test.example"],
        ["X-B", "1"],
        ["x-a", "2"],
        ["X-B", "3"],
        ["X-Empty", ""],
        ["Connection", "close"]
    ]);
    assert_eq!(echo["raw_headers"], wire);
}

#[test]
fn an_echo_tells_what_the_target_was_even_if_it_should_not_have_been_sent() {
    let target = |target: &str| Reply::of(&exchange(request("GET", target, "", ""))).json()["raw_target"].clone();
    assert_eq!(target("/get?a#fragment"), "/get?a#fragment");
    assert_eq!(target("http://other.example/get?x=1"), "http://other.example/get?x=1");
}

#[test]
fn an_echo_takes_json_form_text_and_bytes() {
    let post = |media_type: &str, body: &str| {
        let fields = format!("Content-Type: {media_type}\r\n");
        Reply::of(&exchange(request("POST", "/post", &fields, body))).json()
    };
    let echo = post("application/json", "{\"a\":[1,null]}");
    assert_eq!((&echo["data"], &echo["json"]), (&json!("{\"a\":[1,null]}"), &json!({ "a": [1, null] })));
    let echo = post("Application/X-WWW-form-urlencoded; charset=utf-8", "a=1&a=2&b=%20x+y");
    assert_eq!((&echo["data"], &echo["form"]), (&json!(""), &json!({ "a": ["1", "2"], "b": " x y" })));
    let echo = post("text/plain", "not json");
    assert_eq!((&echo["data"], &echo["json"]), (&json!("not json"), &json!(null)));

    let mut bytes = request("PUT", "/put", "Content-Length: 3\r\n", "").into_bytes();
    bytes.extend_from_slice(b"\xff\x00\xfe");
    let echo = Reply::of(&exchange(bytes)).json();
    assert_eq!(echo["data"], "data:application/octet-stream;base64,/wD+");
}

#[test]
fn an_echo_takes_a_chunked_body_and_expect_continue() {
    let fields = "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n";
    let body = "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n";
    let mut stream = connect(SERVER.http());
    stream.write_all(request("POST", "/post", fields, "").as_bytes()).unwrap();
    assert_eq!(read_one(&mut stream).status(), 100);
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_one(&mut stream).json()["data"], "abcde");
}

#[test]
fn a_wrong_method_is_405() {
    for (method, path, allow) in [
        ("POST", "/get", "GET, HEAD, OPTIONS"),
        ("GET", "/post", "POST, OPTIONS"),
        ("GET", "/put", "PUT, OPTIONS"),
        ("POST", "/delete", "DELETE, OPTIONS"),
    ] {
        let reply = Reply::of(&exchange(request(method, path, "", "")));
        assert_eq!((reply.status(), reply.field("Allow")), (405, Some(allow)), "{method} {path}");
    }
    for (method, path) in [("POST", "/post"), ("PUT", "/put"), ("DELETE", "/delete"), ("PATCH", "/anything/a/b")] {
        let reply = Reply::of(&exchange(request(method, path, "", "x=1")));
        assert_eq!((reply.status(), &reply.json()["method"]), (200, &json!(method)));
    }
    assert_eq!(Reply::of(&exchange(request("HEAD", "/get", "", ""))).body, b"");
}

#[test]
fn a_kept_connection_echoes_each_head_on_its_own() {
    let mut stream = connect(SERVER.http());
    for (index, body) in ["", "x", "a longer body"].iter().enumerate() {
        let length = body.len();
        let head = format!(
            "POST /anything/{index} HTTP/1.1\r\nHost: x\r\nx-INDEX: {index}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(5));
        stream.write_all(body.as_bytes()).unwrap();
        let echo = read_one(&mut stream).json();
        assert_eq!(echo["raw_target"], format!("/anything/{index}"));
        assert_eq!(echo["raw_headers"][1], json!(["x-INDEX", index.to_string()]));
        assert_eq!(echo["data"], *body);
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_echoed() {
    let mut stream = connect(SERVER.http());
    for byte in request("POST", "/post", "X-Y: z\r\n", "body").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    let echo = read_one(&mut stream).json();
    assert_eq!((&echo["data"], &echo["raw_headers"][1]), (&json!("body"), &json!(["X-Y", "z"])));
}

#[test]
fn pipelined_requests_are_answered_with_the_headers_that_hyper_knows() {
    let first = "GET /anything/1 HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\n";
    let both = first.to_owned() + &request("GET", "/anything/2", "X-B: 2\r\n", "");
    let mut stream = connect(SERVER.http());
    stream.write_all(both.as_bytes()).unwrap();
    let (one, two) = (read_one(&mut stream).json(), read_one(&mut stream).json());
    assert_eq!((&one["raw_target"], &two["raw_target"]), (&json!("/anything/1"), &json!("/anything/2")));
    assert_eq!(two["headers"], json!({ "Host": "test.example", "X-B": "2", "Connection": "close" }));
}

#[test]
fn a_body_over_the_limit_is_413_and_can_be_counted() {
    let size = (64 << 20) + 1;
    let post = |path: &str, size: usize| {
        let mut stream = connect(SERVER.http());
        let head = request("POST", path, &format!("Content-Length: {size}\r\n"), "");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; size]).unwrap();
        read_one(&mut stream)
    };
    assert_eq!(post("/post", size).status(), 413);
    assert_eq!(post("/count", size).json()["length"], size);
}

#[test]
fn small_routes_echo_a_part() {
    let ask = |path: &str| Reply::of(&exchange(request("GET", path, "User-Agent: me/1\r\n", ""))).json();
    assert_eq!(ask("/user-agent"), json!({ "user-agent": "me/1" }));
    assert_eq!(get("/user-agent").json(), json!({ "user-agent": null }));
    assert_eq!(ask("/ip"), json!({ "origin": "127.0.0.1" }));
    assert_eq!(ask("/headers")["headers"]["User-Agent"], "me/1");
}

#[test]
fn an_echo_tells_the_parts_of_a_form_with_files() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\u{732b}.png\"\r\n\
                Content-Type: image/png\r\n\r\nbytes\r\n--b--\r\n";
    let fields = "Content-Type: multipart/form-data; boundary=b\r\n";
    let echo = Reply::of(&exchange(request("POST", "/post", fields, form))).json();
    assert_eq!(
        (&echo["form"], &echo["files"], &echo["data"]),
        (&json!({"a": "1"}), &json!({"f": "bytes"}), &json!(""))
    );
    let parts = json!([
        {"name": "a", "filename": null, "content_type": null, "length": 1},
        {"name": "f", "filename": "\u{732b}.png", "content_type": "image/png", "length": 5},
    ]);
    assert_eq!(echo["parts"], parts);
    for broken in ["", "--b\r\n", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"] {
        assert_eq!(Reply::of(&exchange(request("POST", "/post", fields, broken))).status(), 400, "{broken:?}");
    }
}
