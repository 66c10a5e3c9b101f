package main

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// preface is what a client sends before its first frame.
const preface = http2.ClientPreface

// frames tells of each frame of HTTP/2 (RFC 9113, section 4.1) that is written to it.
// Only of headers the whole payload is kept.
type frames struct {
	skip  int // bytes before the next frame
	frame func(head frameHead, payload []byte)

	buffer []byte // of a frame that has not come whole
}

type frameHead struct {
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

const frameHeadSize = 9

// Write never fails.
func (f *frames) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		if f.skip > 0 {
			cut := min(f.skip, len(data))
			f.skip, data = f.skip-cut, data[cut:]
			continue
		}
		want := frameHeadSize
		if len(f.buffer) >= frameHeadSize {
			want += f.payload()
		}
		cut := min(want-len(f.buffer), len(data))
		f.buffer, data = append(f.buffer, data[:cut]...), data[cut:]
		if len(f.buffer) < want {
			continue
		}
		head := frameHead{
			kind: http2.FrameType(f.buffer[3]), flags: http2.Flags(f.buffer[4]),
			stream: binary.BigEndian.Uint32(f.buffer[5:]) & (1<<31 - 1),
		}
		headers := head.kind == http2.FrameHeaders || head.kind == http2.FrameContinuation
		if headers && want == frameHeadSize && f.payload() > 0 {
			continue
		}
		f.frame(head, f.buffer[frameHeadSize:])
		if !headers {
			f.skip = f.payload()
		}
		f.buffer = f.buffer[:0]
	}
	return n, nil
}

// payload is how long it is in the frame that is being read.
func (f *frames) payload() int {
	return int(f.buffer[0])<<16 | int(f.buffer[1])<<8 | int(f.buffer[2])
}

// streams are the requests of one connection.
type streams struct {
	proxy *proxy

	headers []byte         // of a request, so far
	decoder *hpack.Decoder // of all of them, in turn

	mu   sync.Mutex
	open map[uint32]call
}

// asked takes a frame of the tool.
func (s *streams) asked(head frameHead, payload []byte) {
	switch head.kind {
	case http2.FrameHeaders:
		if head.flags.Has(http2.FlagHeadersPadded) {
			payload = payload[1 : len(payload)-int(payload[0])]
		}
		if head.flags.Has(http2.FlagHeadersPriority) {
			payload = payload[5:]
		}
		s.headers = append(s.headers[:0], payload...)
	case http2.FrameContinuation:
		s.headers = append(s.headers, payload...)
	case http2.FrameRSTStream: // how a tool ends a watch
		s.end(head.stream)
		return
	default:
		return
	}
	if head.flags.Has(http2.FlagHeadersEndHeaders) {
		s.begin(head.stream)
	}
}

// answered takes a frame of the API server.
func (s *streams) answered(head frameHead, _ []byte) {
	ends := head.flags.Has(http2.FlagDataEndStream) && (head.kind == http2.FrameData || head.kind == http2.FrameHeaders)
	if ends || head.kind == http2.FrameRSTStream {
		s.end(head.stream)
	}
}

func (s *streams) begin(stream uint32) {
	var method, path string
	if s.decoder == nil {
		s.decoder = hpack.NewDecoder(4096, nil)
	}
	s.decoder.SetEmitFunc(func(f hpack.HeaderField) {
		switch f.Name {
		case ":method":
			method = f.Value
		case ":path":
			path = f.Value
		}
	})
	if _, err := s.decoder.Write(s.headers); err != nil {
		method, path = "?", err.Error()
	}
	if err := s.decoder.Close(); err != nil {
		method, path = "?", err.Error()
	}
	path, query, _ := strings.Cut(path, "?")
	c := call{text: method + " " + path, begin: time.Now()}
	if strings.Contains("&"+query, "&watch=") {
		c.text = "WATCH " + path
		s.proxy.note(c)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[stream] = c
}

func (s *streams) end(stream uint32) {
	s.mu.Lock()
	c, ok := s.open[stream]
	delete(s.open, stream)
	s.mu.Unlock()
	if ok {
		c.end = time.Now()
		s.proxy.note(c)
	}
}
