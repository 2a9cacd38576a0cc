package server

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
)

// serveBodies serves handlers that clients send bodies to, in the bubble of the test.
func serveBodies(t *testing.T, patience time.Duration) (url string, client *http.Client) {
	options, lobby := quiet(), newLobby()
	options.Listeners = []Listener{{Socket: lobby, H2C: true, BodyTimeout: patience}}
	s := New(nethttp.App(http.HandlerFunc(takeBody)), options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		Protocols:   new(http.Protocols),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return lobby.dial(), nil },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://lobby", &http.Client{Transport: transport}
}

// takeBody answers with what it has read, or with the name of a file that is kept of it.
func takeBody(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/form" {
		r.ParseMultipartForm(0)
		file, err := r.MultipartForm.File["a"][0].Open()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, file.(*os.File).Name())
		return
	}
	body, err := io.ReadAll(r.Body)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.WriteHeader(http.StatusRequestTimeout)
	}
	w.Write(body)
}

// TestBodiesThatStop: over each HTTP, a client that goes on is waited for, and one
// that does not is told.
func TestBodiesThatStop(t *testing.T) {
	for _, version := range []int{1, 2} {
		for _, stops := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { sendPieces(t, version, stops) })
		}
	}
}

func sendPieces(t *testing.T, version int, stops bool) {
	url, client := serveBodies(t, 10*time.Second)
	protocols := client.Transport.(*http.Transport).Protocols
	protocols.SetHTTP1(version == 1)
	protocols.SetUnencryptedHTTP2(version == 2)
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		for range 3 {
			io.WriteString(w, "piece ")
			time.Sleep(9 * time.Second)
		}
		if !stops {
			w.Close()
		}
	}()
	answer, err := client.Post(url, "text/plain", r)
	if err != nil {
		t.Fatal(version, stops, err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	want := http.StatusOK
	if stops {
		want = http.StatusRequestTimeout
	}
	if answer.StatusCode != want || string(body) != "piece piece piece " || answer.ProtoMajor != version {
		t.Errorf("HTTP/%d, stops %v: %s %q", answer.ProtoMajor, stops, answer.Status, body)
	}
}

// TestFormsLeaveNoFiles: net/http removes what a form has put on the disk.
func TestFormsLeaveNoFiles(t *testing.T) { synctest.Test(t, sendForm) }

func sendForm(t *testing.T) {
	url, client := serveBodies(t, 0)
	client.Transport.(*http.Transport).Protocols.SetHTTP1(true)
	var body strings.Builder
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("a", "a.txt")
	file.Write(make([]byte, 11<<20)) // what is smaller stays in memory
	form.Close()
	answer, err := client.Post(url+"/form", form.FormDataContentType(), strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	name, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if !strings.Contains(string(name), "multipart-") {
		t.Fatalf("%s %q is no file's name", answer.Status, name)
	}
	synctest.Wait()
	if _, err := os.Stat(string(name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", name, err)
	}
}
