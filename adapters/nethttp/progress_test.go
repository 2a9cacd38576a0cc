package nethttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// longAnswers are ways to send more than any buffer holds.
func longAnswers(t *testing.T) map[string]func(ctx context.Context, conn parley.Conn) error {
	path := filepath.Join(t.TempDir(), "long")
	long := []byte(strings.Repeat("long", 300_000))
	if err := os.WriteFile(path, long, 0o600); err != nil {
		t.Fatal(err)
	}
	start := parley.HTTPResponseStart{Status: 200}
	return map[string]func(ctx context.Context, conn parley.Conn) error{
		"whole": func(ctx context.Context, conn parley.Conn) error {
			return respond(ctx, conn, string(long))
		},
		"file": func(ctx context.Context, conn parley.Conn) error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			return sendAll(ctx, conn, start, parley.HTTPResponseZeroCopySend{File: file})
		},
		"stream": func(ctx context.Context, conn parley.Conn) error {
			if err := sendAll(ctx, conn, start, parley.HTTPResponseBody{Body: long[:4],
				More: true}); err != nil {
				return err
			}
			time.Sleep(time.Hour) // a stream may be silent
			return sendAll(ctx, conn, parley.HTTPResponseBody{Body: long[4:], More: true},
				parley.HTTPResponseBody{})
		},
	}
}

// TestClientsThatDoNotRead are cut, counted, and the app is told why.
func TestClientsThatDoNotRead(t *testing.T) {
	for name, answer := range longAnswers(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, cause := error(nil), error(nil)
				g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
					result = answer(ctx, conn)
					cause = context.Cause(ctx)
					return result
				}))
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting("/"))
				if name == "stream" {
					client.Head("GET")
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if cause != parley.ErrSlowConsumer || !errors.Is(result, parley.ErrDisconnected) ||
					!errors.Is(result, cause) {
					t.Errorf("the app got %v, its context ended with %v", result, cause)
				}
				if stats := g.Stats(); stats.SlowConsumers != 1 || stats.Live != 0 {
					t.Errorf("%+v", stats)
				}
			})
		})
	}
}

// TestSlowDownloads go on while they make progress, also where the server has a
// WriteTimeout.
func TestSlowDownloads(t *testing.T) {
	for name, answer := range longAnswers(t) {
		for _, timeout := range []time.Duration{0, 30 * time.Second} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := gateway(httpApp(answer))
					h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if server := r.Context().Value(http.ServerContextKey).(*http.Server); timeout > 0 {
							server.WriteTimeout = timeout
						}
						g.ServeHTTP(w, r)
					})
					client := adaptertest.ServeInBubble(t, h).Dial()
					client.Say("%s", getting("/"))
					head := client.Head("GET")
					got, err := io.Copy(io.Discard, slowly{head.Body})
					if got != 1_200_000 || err != nil {
						t.Errorf("%d bytes, %v", got, err)
					}
				})
			})
		}
	}
}

type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(2 * time.Second)
	return s.Reader.Read(p[:min(len(p), 16<<10)])
}

// TestUnreadBodiesAreBounded: what is read ahead for an app that only waits stays
// within its bounds, and nothing of it goes to disk.
func TestUnreadBodiesAreBounded(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
	synctest.Test(t, func(t *testing.T) {
		const size = 3 << 20
		release := make(chan struct{})
		g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			select {
			case <-ctx.Done():
			case <-release:
			}
			return readThenAnswer.Serve(ctx, nil, conn)
		}))
		client := adaptertest.ServeInBubble(t, g).Dial()
		taken := make(chan int, 1)
		go func() {
			client.Say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size)
			sent := 0
			for ; sent < size; sent += 1 << 10 {
				select {
				case taken <- sent:
				default:
					<-taken
					taken <- sent
				}
				client.Say("%s", strings.Repeat("x", 1<<10))
			}
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if sent := <-taken; sent < 1<<20 || sent > 1<<20+128<<10 {
			t.Errorf("%d bytes were read ahead", sent)
		}
		close(release)
		if answer := client.Response("POST"); len(answer.Body) != size {
			t.Errorf("%d bytes arrived", len(answer.Body))
		}
	})
}
