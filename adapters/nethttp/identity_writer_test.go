package nethttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// writerIdentity is what handlers do with their writer.
var writerIdentity = []identityCase{
	{"silence", serve(func(w http.ResponseWriter, r *http.Request) {}), getting("/"), "",
		"Content-Length: 0"},
	{"flush", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one")
		w.(http.Flusher).Flush()
		io.WriteString(w, "two")
	}), getting("/"), "", "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"},
	{"ResponseController", serve(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		fmt.Fprint(w, controller.SetReadDeadline(time.Now().Add(time.Hour)),
			controller.SetWriteDeadline(time.Time{}), controller.Flush())
	}), getting("/"), "", "<nil> <nil> <nil>"},
	{"write deadline in the past", serve(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		io.WriteString(w, "lost")
	}), getting("/"), "", ""},
	{"read deadline in the past", serve(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		_, err := io.ReadAll(r.Body)
		fmt.Fprint(w, err != nil)
	}), asking("POST", "/", "1\r\nx\r\n", "Transfer-Encoding: chunked", "X-Padding: "+strings.Repeat("x", 5000)), "", "true"},
	{"full duplex", serve(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		if err := controller.EnableFullDuplex(); err != nil {
			panic(err)
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "got %s\n", lines.Text())
			controller.Flush()
		}
	}), posting("/", "one\ntwo\nthree\n"), "", "8\r\ngot one\n"},
	{"trailers, declared", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
	}), getting("/"), "", "0\r\nX-Sum: 42\r\n\r\n"},
	{"trailers, late", serve(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
	}), getting("/"), "", "0\r\nX-Sum: 42\r\n\r\n"},
	{"early hints", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		io.WriteString(w, "page")
	}), getting("/"), "", "HTTP/1.1 103 Early Hints"},
	{"WriteHeader twice", serve(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusConflict)
	}), getting("/"), "", "201 Created"},
	{"status out of range", serve(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }),
		getting("/"), "", ""},
	{"204", serve(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	}), getting("/"), "", "204 No Content"},
	{"line breaks in headers", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Split"] = []string{"a\r\nSet-Cookie: evil=1"}
		w.Header()["not a name"] = []string{"dropped"}
	}), getting("/"), "", "X-Split: a  Set-Cookie"},
	{"short body", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "short")
	}), getting("/"), "", "short"},
	{"long body", serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		if _, err := io.WriteString(w, "longer"); !errors.Is(err, http.ErrContentLength) {
			panic(err)
		}
	}), getting("/"), "", "Content-Length: 4"},
	{"panic", panics("boom"), getting("/"), "", ""},
	{"panic in the middle", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(errors.New("boom"))
	}), getting("/"), "", "4\r\npart\r\n"},
	{"ErrAbortHandler", panics(http.ErrAbortHandler), getting("/"), "", ""},
	{"ErrAbortHandler in the middle", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}), getting("/"), "", "4\r\npart\r\n"},
	{"hijack", serve(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, "not HTTP at all")
	}), getting("/"), "", "not HTTP at all"},
}

func serve(h func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(h)
}

// requestIdentity is what clients do.
var requestIdentity = []identityCase{
	{"chunked upload", echoBody, asking("POST", "/", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked"), "", "hello world"},
	{"100-continue, body read", echoBody, posting("/", "hello", "Expect: 100-continue"), "",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"},
	{"100-continue, body not read", greet,
		"POST / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "", "Connection: close"},
	{"HTTP/1.0", greet, "GET / HTTP/1.0\r\n\r\n", "", "HTTP/1.0 200 OK"},
	{"HTTP/1.0 keep-alive", greet,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n", "", "Connection: keep-alive"},
	{"pipelined", greet, "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n" + getting("/"), "",
		"helloHTTP/1.1 200 OK"},
	{"pipelined behind an unread body", greet,
		"POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody" + getting("/"), "", "helloHTTP/1.1 200 OK"},
	{"malformed", greet, "GET / HTTP/1.1\r\nHost: example.test\r\nBad Header: x\r\n\r\n", "",
		"400 Bad Request"},
	{"lower-case method", serve(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Method)
	}), asking("get", "/", ""), "", "get"},
	{"request trailers", serve(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Trailer)
	}), asking("POST", "/", "1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Sum"), "", "map[X-Sum:[7]]"},
	{"OPTIONS *", greet, asking("OPTIONS", "*", ""), "", "200 OK"},
	{"CONNECT", tellPath,
		"CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\nConnection: close\r\n\r\n", "", "200 OK"},
}
