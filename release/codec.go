package release

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	helm "helm.sh/helm/v3/pkg/release"
)

// ErrUndecodable is what every error of [Decode] is, for errors.Is.
var ErrUndecodable = errors.New("release: not a record")

// maxInflated is how large the JSON of a record may be, in bytes. The largest
// one that fits a Secret is far smaller, unless somebody packed it to do harm.
const maxInflated = 256 << 20

// Decode reads a record as Helm stores it: base64 of gzip of JSON, the gzip
// left out in old ones. JSON and gzip without base64 are read as well. The
// record has a name, a revision and an Info, and no nil in its lists; its Chart
// may be nil. Labels, Operation and Token are beside a record, see
// [Record.Attach]. Every error is an ErrUndecodable. JSON may be nested 10,000
// levels deep and be 256 MiB long.
func Decode(data []byte) (*Record, error) {
	raw, err := inflate(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	// Resources is an interface type that no version of Helm can decode; it
	// goes where unknown fields go.
	var in struct {
		*helm.Release
		Info *struct {
			helm.Info
			Resources json.RawMessage `json:"resources"`
		} `json:"info"`
		ApplyMethod string `json:"apply_method"`
	}
	in.Release = &helm.Release{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	if in.Info == nil {
		return nil, fmt.Errorf("%w: no info", ErrUndecodable)
	}
	in.Release.Info = &in.Info.Info
	r := &Record{Release: in.Release, ApplyMethod: in.ApplyMethod}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	r.unknown = collect(raw, recordShape)
	return r, nil
}

// check refuses what would make the users of a record stumble.
func (r *Record) check() error {
	switch {
	case r.Name == "":
		return errors.New("no name")
	case r.Version < 1:
		return fmt.Errorf("revision %d", r.Version)
	}
	for i, h := range r.Hooks {
		if h == nil {
			return fmt.Errorf("hook %d is null", i)
		}
	}
	if r.Chart == nil {
		return nil
	}
	for i, f := range r.Chart.Templates {
		if f == nil {
			return fmt.Errorf("template %d is null", i)
		}
	}
	for i, f := range r.Chart.Files {
		if f == nil {
			return fmt.Errorf("file %d is null", i)
		}
	}
	return nil
}

// inflate takes base64 and gzip off.
func inflate(data []byte) ([]byte, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, errors.New("empty")
	}
	if data[0] != '{' && !isGzip(data) {
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(data)))
		n, err := base64.StdEncoding.Decode(plain, data)
		if err != nil {
			return nil, err
		}
		data = plain[:n]
	}
	if !isGzip(data) {
		return data, nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(zr, maxInflated+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxInflated {
		return nil, fmt.Errorf("more than %d MiB", maxInflated>>20)
	}
	return raw, zr.Close()
}

func isGzip(data []byte) bool { return bytes.HasPrefix(data, []byte{0x1f, 0x8b, 0x08}) }

// Encode writes the record as base64 of gzip of JSON, which is what the
// cluster's stores put under the key "release". Fields that were unknown to
// Decode are where they were.
func (r *Record) Encode() ([]byte, error) {
	raw, err := r.JSON()
	if err != nil {
		return nil, err
	}
	return pack(raw, r.level())
}

// JSON is the record before it is compressed:
// what Helm's own encoder writes, with the unknown fields put back.
func (r *Record) JSON() ([]byte, error) {
	if r.Release == nil || r.Info == nil {
		return nil, errors.New("encode a record: it has no release or no info")
	}
	out := *r.Release
	if out.Info.Resources != nil { // would make the record undecodable
		info := *out.Info
		info.Resources = nil
		out.Info = &info
	}
	raw, err := json.Marshal(struct {
		*helm.Release
		ApplyMethod string `json:"apply_method,omitempty"`
	}{&out, r.ApplyMethod})
	if err != nil {
		return nil, fmt.Errorf("encode release %s revision %d: %w", r.Name, r.Version, err)
	}
	return merge(raw, recordShape, r.unknown), nil
}

// level of compression: half Helm's time costs a few hundredths in size, so
// the best one is for records that would not fit otherwise.
func (r *Record) level() int {
	if r.tight {
		return gzip.BestCompression
	}
	return gzip.DefaultCompression
}

// pack compresses JSON and encodes it as base64.
func pack(raw []byte, level int) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(raw); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	out := make([]byte, base64.StdEncoding.EncodedLen(buf.Len()))
	base64.StdEncoding.Encode(out, buf.Bytes())
	return out, nil
}

// Clone returns a copy whose Info, Hooks, Labels, Operation and plain fields
// can be changed without changing r. Chart and Config are shared.
func (r *Record) Clone() *Record {
	c := *r
	if r.Release == nil {
		return &c
	}
	rel := *r.Release
	c.Release = &rel
	if rel.Info != nil {
		info := *rel.Info
		rel.Info = &info
	}
	if rel.Hooks != nil {
		rel.Hooks = make([]*helm.Hook, len(r.Hooks))
		for i, h := range r.Hooks {
			hook := *h
			rel.Hooks[i] = &hook
		}
	}
	if rel.Labels != nil {
		rel.Labels = make(map[string]string, len(r.Labels))
		for k, v := range r.Labels {
			rel.Labels[k] = v
		}
	}
	if r.Operation != nil {
		op := *r.Operation
		c.Operation = &op
	}
	return &c
}
