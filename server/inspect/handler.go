package inspect

import (
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/sse"
)

//go:embed page
var files embed.FS

// inspector is the page's handler.
type inspector struct {
	options Options
	access  access
	token   string // of what changes anything; only the page itself can read it
	stream  *nethttp.Gateway
	samples samples
	refused atomic.Int64 // when the log was last told of one, in Unix seconds
}

// Handler serves the page below any path that ends in a slash: in a mux at
// "/inspect/", in gin at "/inspect/*any", with or without http.StripPrefix. Nothing
// runs while nobody looks. It panics for options that make no sense.
func Handler(options Options) http.Handler {
	i := &inspector{options: options.withDefaults(), token: rand.Text()}
	i.access = access{allow: i.options.Allow, hosts: i.options.Hosts}
	i.stream = nethttp.Handler(sse.Func(i.watch, sse.Options{}),
		nethttp.Options{Logger: i.options.Logger})
	return i
}

// pages are the embedded files, by what they are asked for.
var pages = map[string]struct{ file, kind string }{
	"":            {"page/index.html", "text/html; charset=utf-8"},
	"style.css":   {"page/style.css", "text/css; charset=utf-8"},
	"inspect.js":  {"page/inspect.js", "text/javascript; charset=utf-8"},
	"plot.js":     {"page/plot.js", "text/javascript; charset=utf-8"},
	"tables.js":   {"page/tables.js", "text/javascript; charset=utf-8"},
	"favicon.svg": {"page/favicon.svg", "image/svg+xml"},
}

// ServeHTTP serves the page, what belongs to it, and what it does.
func (i *inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeader(w.Header())
	if why := i.access.refusal(r); why != "" {
		i.tellRefused(r, why)
		http.Error(w, "Forbidden: "+why, http.StatusForbidden)
		return
	}
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch name {
	case "events":
		i.stream.ServeHTTP(w, r)
	case "kick":
		i.act(w, r, i.kick)
	case "drain":
		i.act(w, r, i.drain)
	default:
		serveFile(w, r, name)
	}
}

// tellRefused tells the log, once a second: anybody can knock.
func (i *inspector) tellRefused(r *http.Request, why string) {
	now := time.Now().Unix()
	if last := i.refused.Load(); last != now && i.refused.CompareAndSwap(last, now) {
		i.options.Logger.Warn("inspect: refused", "client", r.RemoteAddr,
			"host", census.Clip(r.Host), "reason", why)
	}
}

// setHeader makes the answer one that no other page can use, and no cache keeps.
func setHeader(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "+
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	page, ok := pages[name]
	if !ok {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	if shown, _, _ := strings.Cut(r.RequestURI, "?"); name == "" && !strings.HasSuffix(shown, "/") {
		// below http.StripPrefix the path is empty: what the page loads is beside it
		w.Header().Set("Location", "./"+path.Base(shown)+"/")
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	data, _ := files.ReadFile(page.file)
	w.Header().Set("Content-Type", page.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
}

// order is the body of what changes something.
type order struct {
	ID uint64 `json:"id,string"`
}

// act does what the page asks for, and no other page can.
func (i *inspector) act(
	w http.ResponseWriter, r *http.Request, do func(r *http.Request, order order) int,
) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	token := r.Header.Get("Parley-Inspect")
	if subtle.ConstantTimeCompare([]byte(token), []byte(i.token)) != 1 {
		http.Error(w, "Forbidden: the page is not of this process, load it again",
			http.StatusForbidden)
		return
	}
	var given order
	body := http.MaxBytesReader(w, r.Body, 1<<10)
	if err := json.NewDecoder(body).Decode(&given); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	status := do(r, given)
	if status >= http.StatusBadRequest {
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.WriteHeader(status)
}

// kick ends one conversation.
func (i *inspector) kick(r *http.Request, order order) int {
	for _, source := range i.sources(drain.From(r.Context())) {
		if source.End(order.ID, parley.ErrKicked) {
			i.options.Logger.Info("inspect: kicked", "conversation", order.ID, "by", r.RemoteAddr)
			return http.StatusNoContent
		}
	}
	return http.StatusNotFound
}

// drain has the process end in order.
func (i *inspector) drain(r *http.Request, _ order) int {
	group := drain.From(r.Context())
	switch {
	case i.options.Drain != nil:
		i.options.Drain()
	case group == nil || !group.Ask():
		return http.StatusNotImplemented
	}
	i.options.Logger.Info("inspect: drain", "by", r.RemoteAddr)
	return http.StatusAccepted
}
