// Package client carries parley.js, a client for browsers and Node: one ES module
// that needs no build step. [Handler] serves it to pages:
//
//	http.Handle("GET /parley.js", client.Handler())
//
// and a page has it by
//
//	<script type="module">
//	import {Parley} from '/parley.js';
//
//	const chat = new Parley('/chat');
//	chat.on('line', line => console.log(line.text));
//	chat.connect();
//	</script>
//
// What it does is described in README.md beside it. The folder is an npm package as
// it stands, for projects that bundle their scripts.
package client

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// FS has the files of the npm package, for programs that serve or bundle them by
// themselves.
//
//go:embed parley.js parley.d.ts package.json README.md LICENSE
var FS embed.FS

//go:embed parley.js
var source []byte

// Hash returns a name of this version of parley.js, of hexadecimal digits. A page
// that asks for the module with it, as in "/parley.js?v=" + client.Hash(), need never
// ask again.
func Hash() string { return hash() }

var hash = sync.OnceValue(func() string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:8])
})

var zipped = sync.OnceValue(func() []byte {
	var buffer bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buffer, gzip.BestCompression) // the level is one
	_, _ = w.Write(source)                                     // a buffer takes everything
	_ = w.Close()
	return buffer.Bytes()
})

// Handler serves parley.js, whatever the path, to pages of any origin. Browsers keep
// it and ask each time whether it is still the same, which is answered with 304;
// they keep it for a year if the query is v=[Hash]. Clients that take gzip get it
// compressed. Other methods than GET and HEAD are answered with 405.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	body, tag := source, `"`+Hash()+`"`
	if takesGzip(r.Header) {
		body, tag = zipped(), `"`+Hash()+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Access-Control-Allow-Origin", "*") // it is no secret
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == Hash() {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Etag", tag)
	if isKnown(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// isKnown reports whether a client has what tag names.
func isKnown(tags, tag string) bool {
	for known := range strings.SplitSeq(tags, ",") {
		known = strings.TrimSpace(known)
		if known == "*" || strings.TrimPrefix(known, "W/") == tag {
			return true
		}
	}
	return false
}

// takesGzip reports whether a client says that it takes gzip.
func takesGzip(header http.Header) bool {
	for _, line := range header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			_, q, _ := strings.Cut(weight, "=")
			value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return err != nil || value > 0
		}
	}
	return false
}
