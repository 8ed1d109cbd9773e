"""Scopes by their names, those of earlier and later versions among them."""

import pytest

from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope, includes, parse_known_scopes, parse_scopes


def test_talk_of_earlier_versions_is_audio_text_and_act() -> None:
    assert parse_scopes(["talk", "read"]) == {Scope.AUDIO, Scope.TEXT, Scope.ACT, Scope.READ}


def test_an_unknown_scope_is_refused_where_somebody_types_it() -> None:
    with pytest.raises(ValueError, match="fly"):
        parse_scopes(["audio", "fly"])


def test_scopes_of_later_versions_are_left_out() -> None:
    assert parse_known_scopes(["audio", "fly", "talk"]) == TALK_SCOPES


def test_admin_includes_all_others_and_they_do_not_include_it() -> None:
    assert all(includes(frozenset({Scope.ADMIN}), scope) for scope in Scope)
    assert not includes(TALK_SCOPES | {Scope.READ}, Scope.ADMIN)
