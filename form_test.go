package parley_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

const (
	encoded = "application/x-www-form-urlencoded"
	parts   = `multipart/form-data; boundary="b"`
)

// readsForm answers with what it has read.
func readsForm(options parley.FormOptions) app {
	return func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		form, err := parley.ReadForm(ctx, scope, conn, options)
		if err != nil {
			return err
		}
		defer form.Close()
		said := fmt.Sprint(map[string][]string(form.Values))
		for _, files := range form.Files {
			for _, file := range files {
				data, err := io.ReadAll(file)
				if err != nil || int64(len(data)) != file.Size() {
					return fmt.Errorf("%d of %d bytes: %w", len(data), file.Size(), err)
				}
				said += fmt.Sprintf(" %s %s %.20s", file.Name, file.ContentType, data)
			}
		}
		return parley.Respond(ctx, conn, 200, nil, []byte(said))
	}
}

func postForm(t *testing.T, app parley.App, typ, body string) *parleytest.Response {
	t.Helper()
	request := httptest.NewRequest("POST", "/", strings.NewReader(body))
	if typ != "" {
		request.Header.Set("Content-Type", typ)
	}
	return parleytest.Do(t, app, request)
}

// partOf is one part of a form whose boundary is b.
func partOf(header, data string) string { return "--b\r\n" + header + "\r\n\r\n" + data + "\r\n" }

const (
	fieldA  = `Content-Disposition: form-data; name="a"`
	fileA   = fieldA + `; filename="a.txt"`
	theEnd  = "--b--\r\n"
	million = 1_000_000
)

// What forms are read as, and how clients are answered whose are none.
func TestReadForm(t *testing.T) {
	small := parley.FormOptions{MaxBody: 2000, MaxValues: 1000, MaxParts: 4, MaxMemory: 10}
	for _, test := range []struct {
		name, typ, body string
		status          int
		want            string
	}{
		{"encoded", encoded, "a=1&b=%20+&a=2&&c", 200, "map[a:[1 2] b:[  ] c:[]]"},
		{"encoded with a charset", encoded + "; charset=utf-8", "a=%C3%A4", 200, "map[a:[ä]]"},
		{"nothing", encoded, "", 200, "map[]"},
		{"parts", parts, partOf(fieldA, "1") + partOf(fieldA, "2") + theEnd, 200, "map[a:[1 2]]"},
		{"no last line", parts, partOf(fieldA, "1") + "--b--", 200, "map[a:[1]]"},
		{"no parts", parts, theEnd, 200, "map[]"},
		{"file", parts, partOf(fileA, "data") + theEnd, 200, "map[] a.txt  data"},
		{"type of a file", parts, partOf(fileA+"\r\nContent-Type: text/x", "data") + theEnd, 200,
			"map[] a.txt text/x data"},
		{"folders", parts, partOf(fieldA+`; filename="../../etc/passwd"`, "x") + theEnd, 200,
			"map[] passwd  x"},
		{"large file", parts, partOf(fileA, strings.Repeat("x", 500)) + theEnd, 200,
			"map[] a.txt  xxxxxxxxxxxxxxxxxxxx"},
		{"file that was not chosen", parts, partOf(fieldA+`; filename=""`, "") + theEnd, 200,
			"map[a:[]]"},
		{"part without a name", parts, partOf("Content-Type: text/plain", "x") + theEnd, 200, "map[]"},
		{"behind the end", parts, theEnd + "more", 200, "map[]"},

		{"no type", "", "a=1", 415, ""},
		{"JSON", "application/json", "{}", 415, ""},
		{"other parts", `multipart/mixed; boundary=b`, theEnd, 415, ""},
		{"no media type", "/;;", "a=1", 415, ""},
		{"no boundary", "multipart/form-data", theEnd, 400, ""},
		{"empty boundary", `multipart/form-data; boundary=""`, theEnd, 400, ""},
		{"two boundaries", `multipart/form-data; boundary=b; boundary=c`, theEnd, 415, ""},
		{"other boundary", `multipart/form-data; boundary=c`, partOf(fieldA, "1") + theEnd, 400, ""},
		{"bad escape", encoded, "a=%zz", 400, ""},
		{"bad escape of a key", encoded, "%z=1", 400, ""},
		{"semicolon", encoded, "a=1;b=2", 400, ""},
		{"empty parts", parts, "", 400, ""},
		{"cut in a part", parts, partOf(fieldA, "1"), 400, ""},
		{"cut in a header", parts, "--b\r\nContent-Dispo", 400, ""},
		{"cut in a later header", parts, partOf(fieldA, "1") + "--b\r\n" + fieldA, 400, ""},
		{"cut behind a header", parts, "--b\r\n" + fieldA + "\r\n", 400, ""},
		{"cut in the end", parts, partOf(fieldA, "1") + "--b-", 400, ""},
		{"cut in a file", parts, "--b\r\n" + fileA + "\r\n\r\n" + strings.Repeat("x", 100), 400, ""},
		{"no header", parts, "--b\r\nwhat\r\n\r\n" + theEnd, 400, ""},

		{"body", encoded, "a=" + strings.Repeat("x", 2000), 413, ""},
		{"body behind the end", parts, theEnd + strings.Repeat("x", 2000), 413, ""},
		{"values", encoded, "a=" + strings.Repeat("x", 1000), 413, ""},
		{"value of a part", parts, partOf(fieldA, strings.Repeat("x", 900)) + theEnd, 413, ""},
		{"fields", encoded, "a&b&c&d&e", 413, ""},
		{"many parts", parts, strings.Repeat(partOf(fieldA, ""), 5) + theEnd, 413, ""},
		{"parts without a name", parts, strings.Repeat(partOf("A: b", ""), 5) + theEnd, 413, ""},
		{"long name", parts, partOf(fieldA+`; filename="`+strings.Repeat("x", 900)+`"`, "") + theEnd,
			413, ""},
		{"file", parts, partOf(fileA, strings.Repeat("x", 2000)) + theEnd, 413, ""},
		{"header", parts, partOf("A: "+strings.Repeat("x", 2000), "") + theEnd, 413, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := small
			options.Dir = t.TempDir()
			got := postForm(t, readsForm(options), test.typ, test.body)
			if got.Status != test.status || test.status == 200 && got.Body != test.want {
				t.Errorf("%d %s (%v), want %d %s", got.Status, got.Body, got.Err, test.status, test.want)
			}
			expectNoFiles(t, options.Dir)
		})
	}
}

// What the default bounds let nobody do, whatever the body may hold.
func TestHostileForms(t *testing.T) {
	for _, unbounded := range []bool{false, true} {
		options := parley.FormOptions{Dir: t.TempDir()}
		if unbounded {
			options.MaxBody = -1
		}
		for name, test := range map[string]struct{ typ, body string }{
			"a million fields":  {encoded, strings.Repeat("a&", million)},
			"a million parts":   {parts, strings.Repeat("--b\r\n\r\n\r\n", million) + theEnd},
			"a million headers": {parts, partOf(strings.Repeat("A:\r\n", million)+"B:", "") + theEnd},
			"an endless header": {parts, partOf("A: "+strings.Repeat("x", 11<<20), "") + theEnd},
			"an endless line":   {parts, "--b" + strings.Repeat(" ", 11<<20)},
			"an endless value":  {parts, partOf(fieldA, strings.Repeat("x", 2<<20)) + theEnd},
		} {
			got := postForm(t, readsForm(options), test.typ, test.body)
			if got.Status != 413 && got.Status != 400 {
				t.Errorf("%s: %d (%v)", name, got.Status, got.Err)
			}
		}
		expectNoFiles(t, options.Dir)
	}
}

func expectNoFiles(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// Negative bounds are none.
func TestFormWithoutBounds(t *testing.T) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := range 1500 {
		if err := w.WriteField(fmt.Sprint(i), strings.Repeat("x", 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	file, _ := w.CreateFormFile("file", "f")
	_, _ = file.Write(make([]byte, 5<<20))
	_ = w.Close()
	options := parley.FormOptions{MaxBody: -1, MaxValues: -1, MaxParts: -1, MaxMemory: -1,
		Dir: "/does/not/exist"}
	got := postForm(t, readsForm(options), w.FormDataContentType(), body.String())
	if got.Status != 200 {
		t.Errorf("%d (%v)", got.Status, got.Err)
	}
	got = postForm(t, readsForm(options), encoded, strings.Repeat("a=1&", 2000))
	if got.Status != 200 {
		t.Errorf("%d (%v)", got.Status, got.Err)
	}
}

// Files can be read in any order, more than once, until the form is closed.
func TestFilesOfForm(t *testing.T) {
	body := partOf(fileA, "in memory") + partOf(fileA, strings.Repeat("1", 100)) +
		partOf(fileA, strings.Repeat("2", 100)) + theEnd
	dir := t.TempDir()
	got := postForm(t, app(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		form, err := parley.ReadForm(ctx, scope, conn, parley.FormOptions{MaxMemory: 50, Dir: dir})
		if err != nil {
			return err
		}
		if runtime.GOOS == "linux" {
			expectNoFiles(t, dir) // already
		}
		files := form.Files["a"]
		for i, want := range []string{"in memory", strings.Repeat("1", 100), strings.Repeat("2", 100)} {
			for range 2 {
				if _, err := files[i].Seek(0, io.SeekStart); err != nil {
					t.Error(err)
				}
				if data, err := io.ReadAll(files[i]); err != nil || string(data) != want {
					t.Errorf("file %d: %s, %v", i, data, err)
				}
			}
		}
		for range 2 {
			if err := form.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := files[1].ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("reading a closed form: %v", err)
		}
		expectNoFiles(t, dir)
		return parley.Respond(ctx, conn, 204, nil, nil)
	}), parts, body)
	if got.Status != 204 {
		t.Errorf("%d, %v", got.Status, got.Err)
	}
}

// What is wrong with this machine is no client's fault.
func TestFormWithoutDisk(t *testing.T) {
	options := parley.FormOptions{MaxMemory: 1, Dir: t.TempDir() + "/gone"}
	got := postForm(t, readsForm(options), parts, partOf(fileA, "data")+theEnd)
	if got.Status != 500 || !errors.Is(got.Err, os.ErrNotExist) {
		t.Errorf("%d, %v", got.Status, got.Err)
	}
}

// A file can be taken as it comes. However that ends, nothing is left.
func TestOnFile(t *testing.T) {
	body := partOf(fileA, strings.Repeat("x", 100)) + partOf(fieldA, "1") + theEnd
	errTest := errors.New("test")
	for name, test := range map[string]struct {
		onFile func(field string, file parley.FormUpload) error
		typ    string
		body   string
		status int
	}{
		"read": {func(field string, file parley.FormUpload) error {
			data, err := io.ReadAll(file)
			if err != nil || field != "a" || file.Name != "a.txt" || len(data) != 100 {
				t.Errorf("%s %s: %d bytes, %v", field, file.Name, len(data), err)
			}
			return nil
		}, parts, body, 200},
		"skipped": {func(string, parley.FormUpload) error { return nil }, parts, body, 200},
		"refused": {func(string, parley.FormUpload) error { return errTest }, parts, body, 500},
		"cut": {func(_ string, file parley.FormUpload) error {
			_, err := io.ReadAll(file)
			return err
		}, parts, body[:100], 400},
		"cut before": {func(string, parley.FormUpload) error { return nil }, parts, body[:50], 400},
		"panics":     {func(string, parley.FormUpload) error { panic("ouch") }, parts, body, 500},
		"ends": {func(string, parley.FormUpload) error {
			runtime.Goexit()
			return nil
		}, parts, body, 500},
	} {
		options := parley.FormOptions{Dir: t.TempDir(), OnFile: test.onFile}
		if got := postForm(t, readsForm(options), test.typ, test.body); got.Status != test.status {
			t.Errorf("%s: %d, %v", name, got.Status, got.Err)
		}
		expectNoFiles(t, options.Dir)
	}
}

// A client that leaves, or a context that ends, is told as that.
func TestFormOfOneWhoIsGone(t *testing.T) {
	dir := t.TempDir()
	options := parley.FormOptions{MaxMemory: 10, Dir: dir}
	request := func() *http.Request {
		request := httptest.NewRequest("POST", "/", nil)
		request.Header.Set("Content-Type", parts)
		return request
	}
	x := parleytest.Upload(t, readsForm(options), request())
	x.Send("--b\r\n" + fileA + "\r\n\r\n" + strings.Repeat("x", 10_000))
	x.Vanish()
	if err := x.Wait(); !errors.Is(err, parley.ErrDisconnected) {
		t.Errorf("gone: %v", err)
	}
	enough := errors.New("enough")
	x = parleytest.Upload(t, app(func(ctx context.Context, s *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(enough)
		return readsForm(options)(ctx, s, conn)
	}), request())
	if err := x.Wait(); err != enough {
		t.Errorf("called away: %v", err)
	}
	expectNoFiles(t, dir)
}

// Only HTTP conversations have a body.
func TestFormOfSocket(t *testing.T) {
	_, err := parley.ReadForm(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, nil,
		parley.FormOptions{})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// FuzzReadForm holds what is read to what the standard library reads.
func FuzzReadForm(f *testing.F) {
	f.Add(encoded, "a=1&b=%20+&a=2&&c")
	f.Add(encoded, "a=1;b=2&%z")
	f.Add(parts, partOf(fieldA, "1")+partOf(fileA, "data")+theEnd)
	f.Add(parts, partOf(fieldA+"\r\nContent-Transfer-Encoding: quoted-printable", "=3D=\r\n")+theEnd)
	f.Add(`multipart/form-data; boundary="b"; boundary*=c`, partOf(fieldA, "1")+theEnd)
	f.Fuzz(func(t *testing.T, typ, body string) {
		var got *parley.Form
		var gotErr error
		files := map[string][]string{}
		_ = postForm(t, app(func(ctx context.Context, s *parley.Scope, conn parley.Conn) error {
			got, gotErr = parley.ReadForm(ctx, s, conn, parley.FormOptions{MaxMemory: 8, Dir: t.TempDir()})
			if gotErr != nil {
				return gotErr
			}
			for field, list := range got.Files {
				for _, file := range list {
					data, _ := io.ReadAll(file)
					files[field] = append(files[field], file.Name+":"+string(data))
				}
			}
			return got.Close()
		}), typ, body)
		values, wantFiles, err := standardForm(typ, body)
		if gotErr != nil {
			if code := parley.CodeOf(gotErr); code == parley.CloseInternalError {
				t.Errorf("%v is not the client's fault", gotErr)
			}
			if err == nil && !errors.Is(gotErr, parley.ErrUnsupportedData) &&
				!errors.Is(gotErr, parley.ErrTooLarge) && !errors.Is(gotErr, io.ErrUnexpectedEOF) {
				t.Errorf("%q %q: %v, and the standard library reads %v", typ, body, gotErr, values)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(map[string][]string(got.Values), values) ||
			!reflect.DeepEqual(files, wantFiles) {
			t.Errorf("%q %q: %v %v, want %v %v, %v", typ, body, got.Values, files, values, wantFiles, err)
		}
	})
}

func standardForm(typ, body string) (map[string][]string, map[string][]string, error) {
	files := map[string][]string{}
	request := httptest.NewRequest("POST", "/", strings.NewReader(body))
	request.Header.Set("Content-Type", typ)
	if media, _, _ := mime.ParseMediaType(typ); media == encoded {
		values, err := url.ParseQuery(body)
		return values, files, err
	}
	if err := request.ParseMultipartForm(math.MaxInt64 / 2); err != nil {
		return nil, nil, err
	}
	for field, list := range request.MultipartForm.File {
		for _, header := range list {
			file, _ := header.Open()
			data, _ := io.ReadAll(file)
			files[field] = append(files[field], header.Filename+":"+string(data))
		}
	}
	return request.MultipartForm.Value, files, nil
}
