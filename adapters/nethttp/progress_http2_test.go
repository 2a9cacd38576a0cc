package nethttp_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestClientsThatDoNotReadOverHTTP2: a stream whose client takes nothing ends, and the
// connection's others go on.
func TestClientsThatDoNotReadOverHTTP2(t *testing.T) {
	cause := make(chan error, 1)
	long := make([]byte, 8<<20)
	const patience = 5 * time.Second // in which a machine that stalls gets to what others wait for
	g := gateway(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		if scope.Request.URL.Path == "/other" {
			return respond(ctx, conn, "other")
		}
		err := respond(ctx, conn, string(long))
		cause <- context.Cause(ctx)
		return err
	}), nethttp.Options{WriteTimeout: patience})
	server := adaptertest.New(t, g)
	server.EnableHTTP2 = true
	server.StartTLS()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := adaptertest.Await(t, cause, "the end of the stream"); got != parley.ErrSlowConsumer {
		t.Errorf("ended with %v", got)
	}
	other, err := server.Client().Get(server.URL + "/other")
	if err != nil || other.StatusCode != http.StatusOK || other.ProtoMajor != 2 {
		t.Fatalf("%+v, %v", other, err)
	}
	other.Body.Close()
	if stats := g.Stats(); stats.SlowConsumers != 1 {
		t.Errorf("%+v", stats)
	}
}
