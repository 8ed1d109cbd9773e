"""Homes of 500 entities in four languages: many lights, and one or a few of every other domain."""

# ruff: noqa: RUF001 - Russian letters are meant as they look

from wyoming_rosie.home.model import Area, Entity, Home

_ROOMS = {
    "en": "Kitchen|Living Room|Guest Bathroom|Master Bedroom|Hallway|Garage|Attic|Office|Laundry Room|Terrace",
    "de": "Küche|Wohnzimmer|Gästebad|Schlafzimmer|Flur|Garage|Dachboden|Arbeitszimmer|Waschküche|Terrasse",
    "ja": "台所|居間|客用浴室|主寝室|廊下|車庫|屋根裏部屋|書斎|洗濯室|テラス",
    "ru": "Кухня|Гостиная|Гостевая ванная|Спальня|Прихожая|Гараж|Чердак|Кабинет|Прачечная|Терраса",
}
_THINGS = {
    "en": "ceiling spotlight|window contact|floor heating thermostat|power socket|roller shutter|speaker|front door lock|ventilator|cleaning scene|shopping list|robot vacuum",
    "de": "Deckenstrahler|Fensterkontakt|Fußbodenheizung|Steckdose|Rollladen|Lautsprecher|Haustürschloss|Lüfter|Putzszene|Einkaufsliste|Saugroboter",
    "ja": "天井のスポットライト|窓の開閉センサー|床暖房サーモスタット|コンセント|電動シャッター|スピーカー|玄関ドアの鍵|換気扇|掃除の場面|買い物リスト|ロボット掃除機",
    "ru": "потолочный светильник|датчик окна|термостат тёплого пола|розетка|рольставни|колонка|замок входной двери|вентилятор|сцена уборки|список покупок|робот-пылесос",
}
_KINDS = [
    "light",
    "binary_sensor",
    "climate",
    "switch",
    "cover",
    "media_player",
    "lock",
    "fan",
    "scene",
    "todo",
    "vacuum",
]
_NUMBERS = (300, 130, 1, 40, 10, 6, 1, 5, 5, 1, 1)
LANGUAGES = tuple(_ROOMS)
MOST = "light"


def create_home(language: str) -> Home:
    rooms = _ROOMS[language].split("|")
    areas = tuple(Area(f"room{number}", name) for number, name in enumerate(rooms))
    entities = []
    for kind, thing, number in zip(_KINDS, _THINGS[language].split("|"), _NUMBERS, strict=True):
        for one in range(number):
            room = one % len(rooms)
            entities.append(Entity(f"{kind}.n{one}", f"{rooms[room]} {thing} {one}", kind, f"room{room}"))
    return Home(areas, tuple(entities))


def create_states(of: Home) -> dict[str, dict[str, object]]:
    return {entity.id: {"state": "on", "brightness": 40 + number % 5} for number, entity in enumerate(of.entities)}


def home_file(of: Home) -> str:
    """Return the text of the home file."""
    areas = "".join(f'[[areas]]\nid = "{area.id}"\nname = "{area.name}"\n\n' for area in of.areas)
    return areas + "".join(
        f'[[entities]]\nid = "{one.id}"\nname = "{one.name}"\ndomain = "{one.domain}"\narea = "{one.area}"\n\n'
        for one in of.entities
    )
