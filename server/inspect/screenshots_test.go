package inspect_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/browsertest"
	"github.com/parleygo/parley/server/inspect"
)

// screenshots takes the pictures of the documentation, into the folder that
// PARLEY_SCREENSHOTS names.
func screenshots(t *testing.T, chromium *browsertest.Browser) {
	folder := os.Getenv("PARLEY_SCREENSHOTS")
	if folder == "" {
		t.Skip("PARLEY_SCREENSHOTS is not set")
	}
	s := start(t)
	s.populate()
	for _, picture := range []struct {
		name, scheme  string
		width, height int
	}{
		{"light", "light", 1280, 900}, {"dark", "dark", 1280, 900}, {"phone", "light", 390, 1000},
	} {
		page := chromium.Open(chromium.Person(), "http://"+s.host+"/inspect/")
		page.Call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true})
		size(page, picture.width, picture.height, picture.width < 500)
		page.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
			{"name": "prefers-color-scheme", "value": picture.scheme}}})
		page.Until(`document.querySelectorAll('#bridges tbody tr').length > 3`)
		page.Eval(`new Promise(done => setTimeout(done, 2500))`)
		if height := page.Eval(`document.documentElement.scrollHeight`); picture.width > 500 {
			size(page, picture.width, int(height.(float64)), false)
		}
		name := filepath.Join(folder, "inspector-"+picture.name+".png")
		if err := os.WriteFile(name, small(t, page.Screenshot()), 0o644); err != nil {
			t.Fatal(err)
		}
		page.Eval(`location.href = 'about:blank'`)
	}
}

// small is a picture in its most frequent colours, which a page has few of.
func small(t *testing.T, data []byte) []byte {
	t.Helper()
	taken, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.Color]int{}
	bounds := taken.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[taken.At(x, y)]++
		}
	}
	for at := range counts { // what is colourful is small, and matters
		r, g, b, _ := at.RGBA()
		counts[at] *= 1 + int(max(r, g, b)-min(r, g, b))>>9
	}
	palette := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		return cmp.Compare(counts[b], counts[a])
	})
	flat := image.NewPaletted(bounds, color.Palette(palette[:min(len(palette), 256)]))
	draw.Draw(flat, bounds, taken, image.Point{}, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, flat); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// populate is a busy afternoon, and goes on until the test's end.
func (s *service) populate() {
	messages, requests := 0, 0
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	s.t.Cleanup(cancel)
	rooms := []string{"go", "rust", "lobby"}
	var talkers []*websocket.Conn
	for i, user := range strings.Fields("ann bob carol dmitri eve judy") {
		ws := s.dial(fmt.Sprintf("/chat/%s?user=%s", rooms[i*i%3], user))
		for n := range 500 + 700*(i*i%5) {
			s.say(ws, strings.Repeat("hello ", 1+n%9))
			messages++
		}
		switch user {
		case "carol":
			ws.WriteMessage(websocket.TextMessage, []byte("flood"))
		case "bob":
		default:
			talkers = append(talkers, ws)
		}
	}
	for range 2000 {
		io.Copy(io.Discard, s.get("/nothing", nil).Body)
		requests++
	}
	s.get("/feed/markets?user=olivia", nil)
	s.get("/chat/go?user=peggy", http.Header{"Accept": {"text/event-stream"}})
	s.leavers()
	s.calls(ctx)
	inspect.Seed(s.page, requests, messages, messages+520) // and what flooded
	s.talk(ctx, talkers)
}

// leavers come and go.
func (s *service) leavers() {
	for i, user := range strings.Fields("rupert sybil trent victor walter") {
		ws := s.dial("/chat/rust?user=" + user)
		for range i * 4 {
			s.say(ws, "hello")
		}
		switch i % 3 {
		case 0:
			ws.WriteMessage(websocket.TextMessage, []byte("leave"))
			ws.ReadMessage()
		case 1:
			ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
			ws.ReadMessage()
		}
		ws.Close()
	}
	inbox, _ := s.layer.Open(s.t.Context(), channel.InboxOptions{})
	for _, group := range strings.Fields("user.ann user.bob feed.markets presence") {
		inbox.Join(s.t.Context(), channel.Group(group))
	}
}

// calls keeps the bridge busy until ctx ends.
func (s *service) calls(ctx context.Context) {
	onBridge := bridge.With(ctx, s.pool)
	bridge.Do(bridge.Keyed(onBridge, "tenant-3"), func(context.Context) error { return nil })
	go bridge.Do(bridge.Keyed(onBridge, "tenant-7"), chargeCustomer)
	for range 3 {
		go bridge.Do(bridge.Keyed(onBridge, "ledger"), postEntry)
	}
	go bridge.Do(bridge.Keyed(onBridge, "tenant-9"), renderReport)
	for range 3 {
		go bridge.Do(onBridge, renderReport)
	}
	time.Sleep(100 * time.Millisecond)
	for range 2 {
		go bridge.Do(bridge.Keyed(onBridge, "tenant-12"), postEntry)
		go bridge.Do(bridge.Keyed(onBridge, "tenant-14"), postEntry)
	}
}

func postEntry(ctx context.Context) error    { <-ctx.Done(); return nil }
func renderReport(ctx context.Context) error { <-ctx.Done(); return nil }

func chargeCustomer(ctx context.Context) error {
	return bridge.Do(bridge.Keyed(ctx, "ledger"), postEntry)
}

// talk goes on until ctx ends: some messages and requests a second.
func (s *service) talk(ctx context.Context, talkers []*websocket.Conn) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for n := 0; ctx.Err() == nil; n++ {
			talkers[n%len(talkers)].WriteMessage(websocket.TextMessage, []byte("hello"))
			talkers[n%len(talkers)].ReadMessage()
			if n%4 == 0 {
				if answer, err := http.Get("http://" + s.host + "/nothing"); err == nil {
					answer.Body.Close()
				}
			}
			time.Sleep(25 * time.Millisecond)
		}
	}()
	s.t.Cleanup(func() { <-over })
}
