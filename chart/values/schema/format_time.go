package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// checkDuration wants an ISO 8601 duration as RFC 3339 writes it.
func checkDuration(s string) error {
	s, ok := strings.CutPrefix(s, "P")
	if !ok {
		return errors.New("must start with P")
	}
	if s == "" {
		return errors.New("nothing after P")
	}
	if weeks, ok := strings.CutSuffix(s, "W"); ok {
		switch {
		case weeks == "":
			return errors.New("no number in week")
		case !allDigits(weeks):
			return errors.New("invalid week")
		}
		return nil
	}
	for i, part := range strings.Split(s, "T") {
		switch {
		case i > 0 && part == "":
			return errors.New("no time elements")
		case i > 1:
			return errors.New("more than one T")
		}
		if err := checkElements(part, [...]string{"YMD", "HMS"}[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkElements wants numbers with units in the given order.
func checkElements(s, units string) error {
	for left := units; s != ""; {
		rest := strings.TrimLeft(s, "0123456789")
		switch {
		case rest == s:
			return errors.New("missing number")
		case rest == "":
			return errors.New("missing unit")
		}
		unit := rest[0]
		i := strings.IndexByte(left, unit)
		switch {
		case i < 0 && strings.IndexByte(units, unit) >= 0:
			return fmt.Errorf("unit %q out of order", unit)
		case i < 0:
			return fmt.Errorf("invalid unit %q", unit)
		}
		left, s = left[i+1:], rest[1:]
	}
	return nil
}

func checkPeriod(s string) error {
	start, end, ok := strings.Cut(s, "/")
	if !ok {
		return errors.New("missing slash")
	}
	isDuration := strings.HasPrefix(start, "P")
	if isDuration {
		if err := checkDuration(start); err != nil {
			return fmt.Errorf("invalid start duration: %w", err)
		}
	} else if err := checkDateTime(start); err != nil {
		return fmt.Errorf("invalid start date-time: %w", err)
	}
	if !isDuration && strings.HasPrefix(end, "P") {
		if err := checkDuration(end); err != nil {
			return fmt.Errorf("invalid end duration: %w", err)
		}
	} else if err := checkDateTime(end); err != nil {
		return fmt.Errorf("invalid end date-time: %w", err)
	}
	return nil
}

func checkDate(s string) error {
	_, err := time.Parse("2006-01-02", s)
	return err
}

func checkDateTime(s string) error {
	if len(s) < 20 {
		return errors.New("less than 20 characters long")
	}
	if s[10] != 't' && s[10] != 'T' {
		return errors.New("11th character must be t or T")
	}
	if err := checkDate(s[:10]); err != nil {
		return fmt.Errorf("invalid date element: %w", err)
	}
	if err := checkTime(s[11:]); err != nil {
		return fmt.Errorf("invalid time element: %w", err)
	}
	return nil
}

// checkTime wants the full-time of RFC 3339, with leap seconds.
func checkTime(s string) error {
	if len(s) < 9 {
		return errors.New("less than 9 characters long")
	}
	if s[2] != ':' || s[5] != ':' {
		return errors.New("missing colon in correct place")
	}
	var parts [3]int
	for i := range parts {
		n, err := strconv.Atoi(s[3*i : 3*i+2])
		if err != nil {
			return errors.New("invalid hour/min/sec")
		}
		if n < 0 {
			return errors.New("non-positive hour/min/sec")
		}
		parts[i] = n
	}
	hour, minute, second := parts[0], parts[1], parts[2]
	if hour > 23 || minute > 59 || second > 60 {
		return errors.New("hour/min/sec out of range")
	}
	zone := s[8:]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		if zone = strings.TrimLeft(fraction, "0123456789"); zone == fraction {
			return errors.New("no digits in second fraction")
		}
	}
	offset, err := zoneOffset(zone)
	if err != nil {
		return err
	}
	utc := hour*60 + minute - offset
	if utc < 0 {
		utc += 24 * 60
	}
	if second == 60 && (utc/60 != 23 || utc%60 != 59) {
		return errors.New("invalid leap second")
	}
	return nil
}

// zoneOffset reads Z or +hh:mm and gives the minutes east of UTC.
func zoneOffset(s string) (int, error) {
	if s == "z" || s == "Z" {
		return 0, nil
	}
	switch {
	case len(s) != 6:
		return 0, errors.New("offset must be 6 characters long")
	case s[0] != '+' && s[0] != '-':
		return 0, errors.New("offset must begin with plus/minus")
	case s[3] != ':':
		return 0, errors.New("missing colon in offset in correct place")
	}
	var parts [2]int
	for i := range parts {
		n, err := strconv.Atoi(s[1+3*i : 3+3*i])
		if err != nil {
			return 0, errors.New("invalid hour/min in offset")
		}
		if n < 0 {
			return 0, errors.New("non-positive hour/min in offset")
		}
		parts[i] = n
	}
	if parts[0] > 23 || parts[1] > 59 {
		return 0, errors.New("hour/min in offset out of range")
	}
	offset := parts[0]*60 + parts[1]
	if s[0] == '-' {
		return -offset, nil
	}
	return offset, nil
}
