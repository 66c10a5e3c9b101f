package funcs

import "regexp"

// addRegexps adds the regular expression functions, which here compile an
// expression once.
func (k *kit) addRegexps() {
	expressions := newCache(regexp.Compile)

	// compiled returns the expression and the text of a call.
	compiled := func(args []any) (re *regexp.Regexp, s string, ok bool) {
		expression, ok := args[0].(string)
		if !ok {
			return nil, "", false
		}
		if s, ok = args[1].(string); !ok {
			return nil, "", false
		}
		re, ok = expressions.get(expression)
		return re, s, ok
	}

	k.call(func(args []any) (any, bool) {
		re, s, ok := compiled(args)
		return ok && re.MatchString(s), ok
	}, "regexMatch", "mustRegexMatch")
	k.set(textForm(1, func(args []any) (string, bool) {
		re, s, ok := compiled(args)
		if !ok {
			return "", false
		}
		return re.FindString(s), true
	}), "regexFind", "mustRegexFind")
	k.call(func(args []any) (any, bool) {
		re, s, ok := compiled(args)
		n, ok2 := args[2].(int)
		if !ok || !ok2 {
			return nil, false
		}
		return re.FindAllString(s, n), true
	}, "regexFindAll", "mustRegexFindAll")
	k.call(func(args []any) (any, bool) {
		re, s, ok := compiled(args)
		n, ok2 := args[2].(int)
		if !ok || !ok2 {
			return nil, false
		}
		return re.Split(s, n), true
	}, "regexSplit", "mustRegexSplit")

	replacer := func(replace func(re *regexp.Regexp, s, with string) string) form {
		return textForm(1, func(args []any) (string, bool) {
			re, s, ok := compiled(args)
			with, ok2 := args[2].(string)
			if !ok || !ok2 {
				return "", false
			}
			return replace(re, s, with), true
		})
	}
	k.set(replacer((*regexp.Regexp).ReplaceAllString), "regexReplaceAll", "mustRegexReplaceAll")
	k.set(replacer((*regexp.Regexp).ReplaceAllLiteralString), "regexReplaceAllLiteral", "mustRegexReplaceAllLiteral")
}
