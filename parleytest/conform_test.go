package parleytest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

func TestConformance(t *testing.T) { parleytest.Conform(t, parleytest.Memory()) }

// lenient is a Wire with a server that forgives everything.
type lenient struct{ parleytest.Wire }

func (w lenient) HTTP(
	t testing.TB, app parley.App, script parleytest.HTTPScript,
) parleytest.HTTPSeen {
	return w.Wire.HTTP(t, forgiving(app), script)
}

func forgiving(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return app.Serve(ctx, scope, forgivingConn{conn})
	})
}

type forgivingConn struct{ parley.Conn }

func (c forgivingConn) Send(ctx context.Context, event parley.Event) error {
	err := c.Conn.Send(ctx, event)
	if errors.As(err, new(*parley.ProtocolError)) {
		return nil
	}
	return err
}

const underTest = "PARLEYTEST_LENIENT"

// TestConformFindsFaults runs the suite against a broken server, in a process of
// its own since it fails there.
func TestConformFindsFaults(t *testing.T) {
	if os.Getenv(underTest) != "" {
		parleytest.Conform(t, lenient{parleytest.Memory()})
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestConformFindsFaults$", "-test.v")
	command.Env = append(os.Environ(), underTest+"=1")
	output, err := command.CombinedOutput()
	if err == nil {
		t.Fatal("a broken server has passed")
	}
	for _, want := range []string{
		"--- FAIL: TestConformFindsFaults/A4.start-twice",
		"--- FAIL: TestConformFindsFaults/A4.after-complete",
		"--- FAIL: TestConformFindsFaults/A9.debug", "--- PASS: TestConformFindsFaults/A3.request/parts",
		"--- PASS: TestConformFindsFaults/A7.accept-twice",
	} {
		if !strings.Contains(string(output), want) {
			t.Errorf("no %q in\n%s", want, output)
		}
	}
}

// sockets is a Wire of nothing but sockets.
type sockets struct{ parleytest.Wire }

func (w sockets) Features() parleytest.Features {
	have := w.Wire.Features()
	have.Sockets = true
	return have
}

func (sockets) HTTP(t testing.TB, _ parley.App, _ parleytest.HTTPScript) (seen parleytest.HTTPSeen) {
	t.Error("HTTP was called")
	return seen
}

func TestConformSockets(t *testing.T) { parleytest.Conform(t, sockets{parleytest.Memory()}) }
