package nethttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// replacing is middleware that puts another body into the place of the request's.
func replacing(replace func(io.ReadCloser) io.ReadCloser) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = replace(r.Body)
			next.ServeHTTP(w, r)
		})
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
func (readFunc) Close() error                 { return nil }

// TestReplacedBodies: Content-Length says nothing of a body that middleware has put
// there. It is read to its end, and whatever its reader does, one request ends.
func TestReplacedBodies(t *testing.T) {
	decompress := func(body io.ReadCloser) io.ReadCloser {
		plain, err := gzip.NewReader(body)
		if err != nil {
			return readFunc(func([]byte) (int, error) { return 0, err })
		}
		return plain
	}
	whole := strings.Repeat("decompressed ", 30_000)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, whole)
	w.Close()
	derived := httpApp(func(ctx context.Context, conn parley.Conn) error { // reads in the background
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		body, err := io.ReadAll(parley.BodyReader(ctx, conn))
		if err != nil {
			return err
		}
		return respond(ctx, conn, string(body))
	})
	for _, c := range []struct {
		name, sent string
		replace    func(io.ReadCloser) io.ReadCloser
		want       string
	}{
		{"decompressor", packed.String(), decompress, "200 " + whole},
		{"not compressed", "nonsense, long enough for a header", decompress, "400 Bad Request\n"},
		{"cut", packed.String()[:packed.Len()/2], decompress, "400 Bad Request\n"},
		{"reader that panics", "x", func(io.ReadCloser) io.ReadCloser {
			return readFunc(func([]byte) (int, error) { panic("no") })
		}, "500 Internal Server Error\n"},
		{"reader that exits", "x", func(io.ReadCloser) io.ReadCloser {
			return readFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })
		}, "500 Internal Server Error\n"},
	} {
		for name, app := range map[string]parley.App{"alone": readThenAnswer,
			"in the background": derived} {
			for place, h := range map[string]http.Handler{
				"above": replacing(c.replace)(gateway(app)),
				"below": gateway(parley.Chain(app, nethttp.Middleware(replacing(c.replace)))),
			} {
				t.Run(c.name+"/"+name+"/"+place, func(t *testing.T) {
					client := adaptertest.Serve(t, h).Dial()
					go client.Say("%s", posting("/", c.sent))
					answer := client.Response("POST")
					if got := fmt.Sprint(answer.Status, " ", answer.Body); got != c.want {
						t.Errorf("got %.100q (%d bytes), want %.100q", got, len(got), c.want)
					}
				})
			}
		}
	}
}
