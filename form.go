package parley

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
)

// FormOptions bound a form. The zero value is safe for forms of a page; negative
// numbers are no limit. More than a bound allows is ErrTooLarge.
type FormOptions struct {
	MaxBody   int64 // bytes of the whole body. Default 10 MiB; the server has a bound too
	MaxValues int64 // bytes of names and values, 200 more for each. Default 1 MiB
	MaxParts  int   // values and files. Default 1000

	// MaxMemory is how many bytes of files are kept in memory. A file that does not
	// fit goes to a temporary one. Default 1 MiB.
	MaxMemory int64

	// Dir is where temporary files are made. Default os.TempDir().
	Dir string

	// OnFile is handed each file as it comes, instead of having it kept. What it does
	// not read is skipped; its error ends ReadForm.
	OnFile func(field string, file FormUpload) error
}

// Form is what a client has filled in. Nobody but who has read it uses it.
type Form struct {
	Values url.Values
	Files  map[string][]*FormFile // by the name of their field

	spool spool
}

// formOverhead is what a value costs beside its bytes.
const formOverhead = 200

// ReadForm reads the body of a request that is a form, be it urlencoded or multipart
// (with files). The form has to be closed:
//
//	form, err := parley.ReadForm(ctx, scope, conn, parley.FormOptions{})
//	if err != nil {
//		return err
//	}
//	defer form.Close()
//
// An error is ErrUnsupportedData if the body is of another type, ErrInvalidPayload if
// it is malformed or cut short, ErrTooLarge if it is more than a bound allows, and
// ErrDisconnected if the client is gone: an app that returns it has the client told
// 415, 400 or 413. Others are this machine's, such as that of a full disk. With an
// error there is no form, and nothing to close.
//
// A temporary file has no name from the moment that it is made, where the platform
// allows that: it is gone with the form, the process or the machine.
func ReadForm(
	ctx context.Context, scope *Scope, conn Conn, options FormOptions,
) (*Form, error) {
	if scope.Protocol != HTTP {
		return nil, &UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	header := scope.Request.Header["Content-Type"]
	if len(header) != 1 {
		return nil, fmt.Errorf("parley: form with %d types: %w", len(header), ErrUnsupportedData)
	}
	typ, parameters, err := mime.ParseMediaType(header[0])
	f := &formReader{FormOptions: options.withDefaults(), form: &Form{Values: make(url.Values)}}
	f.body = formBody{reader: BodyReader(ctx, conn), left: f.MaxBody}
	switch {
	case typ == "application/x-www-form-urlencoded":
		return f.read(f.readEncoded)
	case typ != "multipart/form-data":
		return nil, fmt.Errorf("parley: %.100q is no form: %w", header[0], ErrUnsupportedData)
	case err != nil || parameters["boundary"] == "":
		return nil, fmt.Errorf("parley: form without a boundary: %w", ErrInvalidPayload)
	}
	return f.read(func() error { return f.readMultipart(parameters["boundary"]) })
}

// read leaves nothing behind, however parse ends, unless it is well.
func (f *formReader) read(parse func() error) (form *Form, err error) {
	defer func() {
		if form == nil {
			_ = f.form.Close() // the error is parse's
		}
	}()
	if err := parse(); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, &f.body); err != nil { // so that its bound holds
		return nil, err
	}
	return f.form, nil
}

// withDefaults is by the rule that the package's description gives for numbers.
func (o FormOptions) withDefaults() FormOptions {
	o.MaxBody = formBound(o.MaxBody, 10<<20)
	o.MaxValues = formBound(o.MaxValues, 1<<20)
	o.MaxMemory = formBound(o.MaxMemory, 1<<20)
	o.MaxParts = int(min(formBound(int64(o.MaxParts), 1000), math.MaxInt))
	return o
}

func formBound(value, standard int64) int64 {
	switch {
	case value == 0:
		return standard
	case value < 0:
		return math.MaxInt64
	}
	return value
}

// formReader reads one form.
type formReader struct {
	FormOptions // what is left of the bounds
	body        formBody
	form        *Form
}

// formBody is a body within its bound. err is what has ended it, other than io.EOF.
type formBody struct {
	reader io.Reader
	left   int64
	err    error
}

func (b *formBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, fmt.Errorf("parley: body of a form: %w", ErrTooLarge)
	}
	if err != io.EOF {
		b.err = err
	}
	return n, err
}

// charge takes a value's or file's share of the bounds.
func (f *formReader) charge(size int64) error {
	f.MaxParts--
	f.MaxValues -= size + formOverhead
	if f.MaxParts < 0 || f.MaxValues < 0 {
		return fmt.Errorf("parley: values of a form: %w", ErrTooLarge)
	}
	return nil
}

// readValue reads what has to fit into the bound of values.
func (f *formReader) readValue(data io.Reader) (string, error) {
	value, err := io.ReadAll(io.LimitReader(data, min(f.MaxValues, math.MaxInt64-1)+1))
	if err != nil {
		return "", err
	}
	if f.MaxValues -= int64(len(value)); f.MaxValues < 0 {
		return "", fmt.Errorf("parley: values of a form: %w", ErrTooLarge)
	}
	return string(value), nil
}

// malformed says whose fault an error is that a parser has found.
func (f *formReader) malformed(err error) error {
	switch {
	case f.body.err != nil:
		return f.body.err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return fmt.Errorf("parley: %w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("parley: malformed form: %w: %w", ErrInvalidPayload, err)
}

// readEncoded reads what url.ParseQuery parses, and refuses what it refuses.
func (f *formReader) readEncoded() error {
	text, err := f.readValue(&f.body)
	if err != nil {
		return err
	}
	for pair := range strings.SplitSeq(text, "&") {
		if err := f.addPair(pair); err != nil {
			return err
		}
	}
	return nil
}

func (f *formReader) addPair(pair string) error {
	if pair == "" {
		return nil
	}
	if strings.Contains(pair, ";") {
		return f.malformed(errSemicolon)
	}
	if err := f.charge(0); err != nil { // beside the text itself
		return err
	}
	key, value, _ := strings.Cut(pair, "=")
	key, err := url.QueryUnescape(key)
	if err != nil {
		return f.malformed(err)
	}
	if value, err = url.QueryUnescape(value); err != nil {
		return f.malformed(err)
	}
	f.form.Values.Add(key, value)
	return nil
}

// Some take it for a separator, others for a part of the value.
var errSemicolon = errors.New("semicolon in a pair")
