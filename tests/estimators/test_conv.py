"""The convolutional transformer: images as users have them, pieces, labels, files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import ConvSimilarityMatchingTransformer, load, save
from similis._errors import InputError, ModelFileError
from similis._schema import Stored
from similis.display import describe
from similis.metrics import similarity_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

IMAGES, Y = load_digits().images[:600] / 16, load_digits().target[:600]


def conv(**params):
    return ConvSimilarityMatchingTransformer(6, kernel_size=3, random_state=0, **params)


@parametrize_with_checks([conv(), conv(whiten=0.1, contrast=0.1, pool="sum", alpha=0.1)])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_images_as_users_have_them():
    expected = conv().fit_transform(IMAGES)
    assert expected.shape == (600, 6 * 3 * 3)
    for same in (IMAGES[:, None], IMAGES.reshape(600, -1), np.asfortranarray(IMAGES), IMAGES.tolist()):
        np.testing.assert_allclose(conv().fit_transform(same), expected, atol=1e-9)
    given = conv(image_shape=(1, 8, 8)).fit_transform(IMAGES.reshape(600, -1))
    np.testing.assert_allclose(given, expected, atol=1e-9)
    single = conv().fit_transform(IMAGES.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-4)
    assert conv().fit(np.repeat(IMAGES[:, None], 3, 1)).network_.patches.size == 27
    assert conv().fit_transform(np.ones((50, 4, 4))).std(0).max() == 0
    assert conv().fit_transform(IMAGES[:1]).shape == (1, 54)
    assert conv().fit_transform(IMAGES[:, :2]).shape == (600, 6 * 3)  # the kernel is cut to two rows


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, np.ones((3, 2, 2, 2, 2)), "expected"),
        ({"image_shape": (3, 3)}, np.ones((3, 8)), "rows of 8"),
        ({"pool": "mean"}, IMAGES, "'max' or 'sum' or None"),
        ({"alpha": 0.1}, IMAGES, "requires y"),
        ({"batch_size": 0}, IMAGES, "batch_size=0"),
        ({"eta0": 0.9}, IMAGES, "eta=0.9"),
        ({}, np.full((5, 8, 8), np.nan), "NaN"),
        ({}, np.empty((0, 8, 8)), "0 sample"),
    ],
)
def test_bad_input_is_refused(params, X, message):
    with pytest.raises(ValueError, match=message):
        conv(**params).fit(X)
    with pytest.raises(InputError, match="as in fit"):
        conv().fit(IMAGES).transform(IMAGES[:, :, :4])


def test_pieces_equal_one_pass_and_failure_changes_nothing():
    whole = conv(shuffle=False, whiten=0.1).fit(IMAGES)
    pieces = conv(whiten=0.1)
    pieces.partial_fit(IMAGES)
    assert np.array_equal(whole.network_.W, pieces.network_.W)
    for part in (IMAGES[:200], IMAGES[200:]):
        whole.partial_fit(part)
    pieces.partial_fit(IMAGES)
    assert np.array_equal(whole.network_.W, pieces.network_.W)
    assert whole.n_samples_seen_ == 1200
    before = whole.network_.W.clone()
    with pytest.raises(ArithmeticError):
        whole.partial_fit(np.full((200, 8, 8), 1e200))
    assert torch.equal(whole.network_.W, before)
    assert whole.n_samples_seen_ == 1200


def test_channels_that_come_last_are_refused_and_how_to_move_them_is_said():
    colours = np.repeat(IMAGES[..., None], 3, -1)
    with pytest.raises(InputError, match=r"channels come last; put them first: np\.moveaxis\(X, -1, 1\)"):
        conv().fit(colours)
    with pytest.raises(InputError, match=r"np\.moveaxis\(X\.reshape\(-1, 8, 8, 3\), -1, 1\)"):
        conv(image_shape=(8, 8, 3)).fit(colours.reshape(600, -1))
    assert conv().fit(np.moveaxis(colours, -1, 1)).network_.patches.in_channels == 3
    assert conv(image_shape=(8, 8, 3)).fit(colours).network_.patches.in_channels == 8  # they are channels
    assert conv().fit(np.ones((9, 16, 4, 4))).network_.patches.in_channels == 16


def test_a_refused_fit_leaves_what_was_fitted():
    lost = np.concatenate([IMAGES, np.full((1, 8, 8), 1e200)])
    fresh, model = conv(), conv(n_epochs=2).fit(IMAGES)
    for bad in (lost, IMAGES * np.nan, np.empty((0, 8, 8))):
        before = dict(vars(fresh)), model.transform(IMAGES), model.n_samples_seen_
        calls = [fresh.partial_fit, model.partial_fit]  # fit may meet the lost image before a filter answers to it
        for call in calls + ([] if bad is lost else [fresh.fit, model.fit]):
            with pytest.raises((ValueError, ArithmeticError)):
                call(bad)
        assert vars(fresh) == before[0]
        assert np.array_equal(model.transform(IMAGES), before[1])
        assert model.n_samples_seen_ == before[2]


def test_a_dark_start_sets_no_scale_and_no_whitening():
    dark = np.zeros_like(IMAGES)
    stream = conv(whiten=0.1).partial_fit(dark).partial_fit(IMAGES)
    assert torch.equal(stream.network_.patches.P, conv(whiten=0.1).partial_fit(IMAGES).network_.patches.P)
    plain, whole = conv(n_epochs=8).fit(IMAGES), conv(n_epochs=4).fit(np.concatenate([dark, dark, IMAGES, IMAGES]))
    assert whole.score(IMAGES) > plain.score(IMAGES) - 0.05


def test_integers_of_numpy_and_parameters_that_changed():
    one = conv(pool_size=np.int64(2)).set_params(kernel_size=np.int64(3), padding=np.int64(1), batch_size=np.int64(50))
    assert np.array_equal(one.fit_transform(IMAGES), conv(padding=1, batch_size=50).fit_transform(IMAGES))
    with pytest.raises(InputError, match="n_components=8"):
        one.set_params(n_components=8).partial_fit(IMAGES)
    with pytest.raises(InputError, match="kernel_size"):
        one.set_params(n_components=6, kernel_size=4).partial_fit(IMAGES)


def test_labels_may_be_words_may_lack_and_may_come_late():
    names = np.array([f"digit {label}" for label in Y])
    numbers, words = conv(alpha=0.3, shuffle=False).fit(IMAGES, Y), conv(alpha=0.3, shuffle=False).fit(IMAGES, names)
    assert np.array_equal(numbers.network_.V, words.network_.V)
    assert list(words.classes_) == [f"digit {i}" for i in range(10)]
    twice, late = np.concatenate([IMAGES[:300], IMAGES[:300]]), conv(alpha=0.3)
    y = np.concatenate([Y[:300] % 5, Y[:300] % 5 + 5])
    known = conv(alpha=0.3, shuffle=False).fit(twice, y)
    for part in (slice(0, 300), slice(300, 600)):
        late.partial_fit(twice[part], y[part])
    assert list(late.classes_) == list(range(10))
    np.testing.assert_allclose(late.network_.V, known.network_.V, atol=1e-9)
    nobody = conv(alpha=0.3, shuffle=False).fit(IMAGES, np.full(600, -1))
    np.testing.assert_allclose(nobody.network_.W, conv(shuffle=False).fit(IMAGES).network_.W, atol=1e-9)


def test_score_is_the_similarity_kept_and_grows():
    model = conv(n_epochs=20, iterations=200).fit(IMAGES)
    rows = model.network_.patches.rows(torch.from_numpy(IMAGES[:, None]))
    outputs = model.network_(torch.from_numpy(IMAGES[:, None])).permute(0, 2, 3, 1).flatten(0, 2)
    assert model.score(IMAGES) == pytest.approx(1 - similarity_error(outputs.numpy(), rows.numpy()), abs=1e-9)
    assert model.score(IMAGES) > conv(n_epochs=1).fit(IMAGES).score(IMAGES) > conv(n_epochs=0).fit(IMAGES).score(IMAGES)
    assert len(model.history_) == 120
    assert model.components_.shape == (6, 1, 3, 3)
    assert "6 neurons" in describe(model.circuit_)


def test_a_pipeline_reads_classes_from_it():
    readout = make_pipeline(StandardScaler(), RidgeClassifier(10))
    model = make_pipeline(conv(n_epochs=3, pool=None).set_params(n_components=24), clone(readout))
    pixels = readout.fit(IMAGES[::2].reshape(300, -1), Y[::2]).score(IMAGES[1::2].reshape(300, -1), Y[1::2])
    assert clone(model).fit(IMAGES[::2], Y[::2]).score(IMAGES[1::2], Y[1::2]) > pixels + 0.08
    names = conv().fit(IMAGES).set_output(transform="pandas").transform(IMAGES).columns
    assert names[0] == "convsimilaritymatchingtransformer0"


@pytest.mark.parametrize("params", [{}, {"whiten": 0.1, "contrast": 0.1, "alpha": 0.1, "image_shape": (8, 8)}])
def test_saved_and_continued_bit_for_bit(tmp_path, params):
    rows = IMAGES.reshape(600, -1).astype(np.float32)
    model = conv(**params).fit(rows, Y)
    save(model, tmp_path / "m")
    back = load(tmp_path / "m")
    assert np.array_equal(back.transform(rows), model.transform(rows))
    assert back.get_params() == model.get_params() or params
    model.partial_fit(rows[:130], Y[:130])
    back.partial_fit(rows[:130], Y[:130])
    assert all(torch.equal(a, b) for a, b in zip(back.network_.buffers(), model.network_.buffers(), strict=True))
    assert (back.history_, back.n_samples_seen_) == (model.history_, model.n_samples_seen_)
    arrays, meta = model._pack()
    with pytest.raises(ModelFileError, match="W is of shape"):
        conv(**params)._unpack(Stored(arrays | {"W": arrays["W"][:, 1:]}, json.loads(json.dumps(meta))))
