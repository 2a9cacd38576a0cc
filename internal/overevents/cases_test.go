package overevents

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

var headCases = []parityCase{
	{name: "nothing at all", handler: func(http.ResponseWriter, *http.Request) {}},
	{name: "implicit 200", handler: say("hello")},
	{name: "explicit status", handler: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	}},
	{name: "repeated and later headers", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-Late", "lost")
		io.WriteString(w, "x")
	}},
	{name: "superfluous WriteHeader", handler: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusInternalServerError)
	}},
	{name: "line breaks and odd names", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Split"] = []string{"a\r\nSet-Cookie: evil=1", " padded\t"}
		w.Header()["not a name"] = []string{"dropped"}
		w.Header()["X-Latin"] = []string{"caf\xe9"}
	}},
	{name: "sniffing HTML", handler: say("<!DOCTYPE html><p>x")},
	{name: "sniffing an image", handler: say("\x89PNG\x0D\x0A\x1A\x0A....")},
	{name: "sniffing declined", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	}},
	{name: "no sniffing of encoded content", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "zstd")
		io.WriteString(w, "<html>")
	}},
	{name: "invalid Content-Length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "many")
		io.WriteString(w, "x")
	}},
	{name: "Content-Length declined", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = nil
		io.WriteString(w, "x")
	}},
	{name: "Transfer-Encoding beats Content-Length",
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Content-Length", "1")
			io.WriteString(w, "x")
		}},
	{name: "Transfer-Encoding identity", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Transfer-Encoding", "identity")
		io.WriteString(w, "<html>")
	}},
	{name: "early hints", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Link", "</script.js>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "page")
	}},
	{name: "processing is not final", handler: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusConflict)
	}},
}

var bodyCases = []parityCase{
	{name: "fills the buffer", handler: say(strings.Repeat("x", 2048))},
	{name: "overflows the buffer at once", handler: say(strings.Repeat("x", 2049))},
	{name: "overflows the buffer bit by bit", handler: func(w http.ResponseWriter, r *http.Request) {
		for i := range 3000 {
			fmt.Fprint(w, i%10)
		}
	}},
	{name: "small then big", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<b>")
		w.Write(bytes.Repeat([]byte("y"), 100_000))
		io.WriteString(w, "</b>")
	}},
	{name: "flush first", handler: func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, "<html>not sniffed any more")
	}},
	{name: "server-sent events", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	}},
	{name: "exact Content-Length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5000")
		w.Write(make([]byte, 2500))
		w.Write(make([]byte, 2500))
	}},
	{name: "write beyond an exact Content-Length",
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "hello")
			if _, err := io.WriteString(w, "!"); !errors.Is(err, http.ErrContentLength) {
				panic(err)
			}
		}},
	{name: "ReadFrom a short reader", handler: func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, struct{ io.Reader }{strings.NewReader("<p>short")})
	}},
	{name: "ReadFrom between buffer and sniffing",
		handler: func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("m", 700))})
		}},
	{name: "ReadFrom a long reader between writes",
		handler: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "before")
			n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("l", 70_000)))
			fmt.Fprint(w, "after ", n, err)
		}},
	{name: "close notifier", handler: func(w http.ResponseWriter, r *http.Request) {
		gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
		for i := range 3 {
			select {
			case <-gone:
				panic("the client is here")
			default:
				fmt.Fprint(w, i)
				w.(http.Flusher).Flush()
			}
		}
	}},
}

var bodilessCases = []parityCase{
	{name: "HEAD", handler: say("hello"), request: ask(http.MethodHead, "/", nil)},
	{name: "HEAD without a word",
		handler: func(http.ResponseWriter, *http.Request) {}, request: ask(http.MethodHead, "/", nil)},
	{name: "HEAD of much",
		handler: say(strings.Repeat("z", 5000)), request: ask(http.MethodHead, "/", nil)},
	{name: "HEAD with Content-Length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "12345")
	}, request: ask(http.MethodHead, "/", nil)},
	{name: "HEAD flushed", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		io.WriteString(w, "y")
	}, request: ask(http.MethodHead, "/", nil)},
	{name: "204", handler: refusesBody(http.StatusNoContent)},
	{name: "304", handler: refusesBody(http.StatusNotModified)},
}

func refusesBody(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "4")
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(status)
		if _, err := io.WriteString(w, "body"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
		if _, err := w.Write(nil); err != nil {
			panic(err)
		}
	}
}

var trailerCases = []parityCase{
	{name: "declared trailers", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, x-unused")
		w.Header().Add("Trailer", "X-Count")
		io.WriteString(w, "x")
		w.Header().Set("X-Sum", "12\r\n34")
		w.Header().Add("X-Count", "1")
		w.Header().Add("X-Count", "2")
	}},
	{name: "undeclared trailers after a flush", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1234")
	}},
	{name: "undeclared trailers from the start",
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1234")
			io.WriteString(w, "x")
		}},
	{name: "trailers with Content-Length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1")
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "x")
		w.Header().Set("X-Sum", "lost")
	}},
	{name: "trailers of HEAD", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "x")
		w.Header().Set("X-Sum", "lost")
	}, request: ask(http.MethodHead, "/", nil)},
}

var failureCases = []parityCase{
	{name: "short body", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "abc")
	}},
	{name: "no body but Content-Length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
	}},
	{name: "panic before anything",
		handler: func(http.ResponseWriter, *http.Request) { panic("boom") }},
	{name: "panic with a full buffer", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "never seen")
		panic("boom")
	}},
	{name: "panic after a flush", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "seen")
		w.(http.Flusher).Flush()
		io.WriteString(w, "never seen")
		panic("boom")
	}},
	{name: "abort before anything",
		handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{name: "abort after a flush", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "seen")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}},
	{name: "invalid status",
		handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }},
	{name: "status of four digits",
		handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(1000) }},
	{name: "invalid status, recovered", handler: func(w http.ResponseWriter, r *http.Request) {
		defer func() { http.Error(w, fmt.Sprint(recover()), http.StatusInternalServerError) }()
		w.WriteHeader(0)
	}},
}

var requestCases = []parityCase{
	{name: "facts", handler: func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.Query(), r.Proto,
			r.ContentLength,
			r.TransferEncoding, r.Body == http.NoBody, r.Header, r.Context().Err())
	}, request: get("/a%2Fb/%C3%BC?q=1&q=2", "X-Test", "one", "X-Test", "two")},
	{name: "echo", handler: echoBody, request: post(strings.Repeat("echo ", 2000))},
	{name: "echo of a chunked upload",
		handler: echoBody, request: upload(strings.Repeat("chunk ", 2000))},
	{name: "facts of a chunked upload", handler: func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintln(w, r.ContentLength, r.TransferEncoding, len(body), err)
	}, request: upload("small")},
	{name: "body unread", handler: say("no, thanks"), request: post(strings.Repeat("x", 10_000))},
	{name: "read after close", handler: func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, errors.Is(err, http.ErrBodyReadAfterClose))
	}, request: post("unread")},
	{name: "read after the end", handler: func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		n, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, n, err)
	}, request: post("all read")},
	{name: "limit kept", handler: limited(100), request: post(strings.Repeat("x", 100))},
	{name: "limit exceeded", handler: limited(100), request: post(strings.Repeat("x", 101))},
	{name: "form", handler: func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		fmt.Fprintln(w, r.Form, r.PostForm, err)
	}, request: ask(http.MethodPost, "/?q=url", content("q=body&r=%C3%A9"), "Content-Type",
		"application/x-www-form-urlencoded")},
	{name: "multipart form", handler: func(w http.ResponseWriter, r *http.Request) {
		file, header, err := r.FormFile("file")
		if err != nil {
			panic(err)
		}
		text, err := io.ReadAll(file)
		fmt.Fprintln(w, header.Filename, header.Size, string(text), r.FormValue("field"), err)
	}, request: ask(http.MethodPost, "/", content(multipartBody), "Content-Type",
		"multipart/form-data; boundary=xx")},
	{name: "trailers of the request", handler: func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Trailer)
		io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, r.Trailer)
	}, request: func(base string) *http.Request {
		r := upload("with trailers")(base)
		r.Trailer = http.Header{"X-Sum": {"42"}}
		return r
	}},
	{name: "context ends with the handler", handler: func(w http.ResponseWriter, r *http.Request) {
		deadline, ok := r.Context().Deadline()
		fmt.Fprintln(w, r.Context().Err(), deadline.IsZero(), ok)
	}},
	{name: "timeout handler",
		handler: http.TimeoutHandler(say("in time"), time.Hour, "late").ServeHTTP},
}

const multipartBody = "--xx\r\nContent-Disposition: form-data; name=\"field\"\r\n\r\nvalue\r\n" +
	"--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ncontents\r\n--xx--\r\n"

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }
}

func echoBody(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	w.Write(body)
}

func limited(limit int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, len(body), err)
	}
}

func content(text string) func() io.Reader {
	return func() io.Reader { return strings.NewReader(text) }
}

func post(text string) func(string) *http.Request {
	return ask(http.MethodPost, "/", content(text))
}

// upload has no Content-Length.
func upload(text string) func(string) *http.Request {
	return ask(http.MethodPut, "/",
		func() io.Reader { return struct{ io.Reader }{strings.NewReader(text)} })
}
