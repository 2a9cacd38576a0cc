//go:build linux

package server

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestDeploy replaces a process twice while clients of all kinds are at work. None
// of them may notice more than that it was told to come back.
func TestDeploy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Run("inherited descriptor", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := listener.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		listener.Close() // the descriptor is what is handed down
		deployTwice(t, listener.Addr().String(), func(journal string) *process {
			return deploy(t, "fd:3", journal, file)
		})
	})
	t.Run("shared port", func(t *testing.T) {
		held, err := bindShared(t.Context(), "127.0.0.1:0") // and never listens: it only keeps the port
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		deployTwice(t, held.Addr().String(), func(journal string) *process {
			return deploy(t, held.Addr().String(), journal)
		})
	})
}

func deployTwice(t *testing.T, addr string, next func(journal string) *process) {
	journal := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(journal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	current := next(journal)
	crowd := gather(t, addr)
	for range 2 {
		crowd.works()
		successor := next(journal)
		crowd.works()
		current.retire(t)
		current = successor
	}
	crowd.works()
	crowd.disperse()
	current.retire(t)

	written := readJournal(t, journal)
	for _, message := range crowd.acknowledged {
		if !written[message] {
			t.Errorf("%q was acknowledged and is lost", message)
		}
	}
	t.Logf("done: %v, moved: %v", crowd.done, crowd.moved)
	if crowd.moved["socket"] < 4 || crowd.moved["stream"] < 2 {
		t.Error("the clients were not at work")
	}
}

func readJournal(t *testing.T, path string) map[string]bool {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	written := make(map[string]bool)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		written[lines.Text()] = true
	}
	return written
}
